import { attacks, type Move } from '../attack.ts'
import { password } from '../hostile-server.ts'
import { type ScramFaults, scram } from '../scram.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const sasl = (name: string, content = '', attrs = '') =>
  `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'${attrs}>${content}</${name}>`
const auth = (mechanism: string, content = '') => sasl('auth', content, ` mechanism='${mechanism}'`)
const plain = (text: string) => auth('PLAIN', base64(text))
const refused = (name: string, moves: Move | Move[], condition: string) =>
  [name, moves, `failure ${condition}`] as const
/** An exchange that a fault spoils in its last step. */
const spoilt = (name: string, faults: ScramFaults, condition: string) =>
  [name, scram('SHA-256', faults), ['challenge', `failure ${condition}`]] as const
const first = (text: string, mechanism = 'SCRAM-SHA-256') => auth(mechanism, base64(text))

/** Logins that must fail, each on a connection and from an address of its own: failures are answered late (RFC 6120 §6.4.5). */
export const logins = attacks('header', [
  refused('RFC 6120 §6.5.7: no mechanism', sasl('auth', 'AAAA'), 'invalid-mechanism'),
  refused('RFC 6120 §6.5.7: an unknown mechanism', auth('CRAM-MD5'), 'invalid-mechanism'),
  refused('RFC 6120 §6.5.7: DIGEST-MD5', auth('DIGEST-MD5'), 'invalid-mechanism'),
  refused(
    'RFC 6120 §6.5.7: the name of a mechanism in small letters',
    plain('\0a\0b').replace('PLAIN', 'plain'),
    'invalid-mechanism',
  ),
  refused('RFC 6120 §6.5.7: a mechanism of 1,000 letters', auth('X'.repeat(1000)), 'invalid-mechanism'),
  refused('RFC 6120 §6.5.7: EXTERNAL without a certificate', auth('EXTERNAL', '='), 'invalid-mechanism'),
  refused('RFC 6120 §6.5.7: ANONYMOUS where it is not open', auth('ANONYMOUS', '='), 'invalid-mechanism'),
  refused('RFC 6120 §6.5.5: base64 with a foreign letter', auth('PLAIN', 'AAA*'), 'incorrect-encoding'),
  refused('RFC 6120 §6.5.5: base64 with white space', auth('PLAIN', 'AGEA\n YgBj'), 'incorrect-encoding'),
  refused('RFC 6120 §6.5.5: base64 without its padding', auth('PLAIN', 'AGEAYg'), 'incorrect-encoding'),
  refused('RFC 6120 §6.5.5: base64 with bits in its padding', auth('PLAIN', 'AGEAYh=='), 'incorrect-encoding'),
  refused('RFC 6120 §6.5.5: base64 for URLs', auth('PLAIN', 'AGEA_-__'), 'incorrect-encoding'),
  refused('RFC 6120 §6.5.5: padding alone', auth('PLAIN', '===='), 'incorrect-encoding'),
  refused('RFC 6120 §6.5.8: a response before an auth', sasl('response', 'AAAA'), 'malformed-request'),
  refused('RFC 6120 §6.5.8: a challenge from the client', sasl('challenge', 'AAAA'), 'malformed-request'),
  refused('RFC 6120 §6.5.8: a success from the client', sasl('success'), 'malformed-request'),
  refused('RFC 6120 §6.5.8: an unknown element', sasl('hello'), 'malformed-request'),
  refused('RFC 6120 §6.5.1: an abort before an auth', sasl('abort'), 'aborted'),
  [
    'RFC 6120 §6.4.4: an abort in the middle',
    [
      first('n,,n=mallory,r=abc'),
      (peer) => void peer.hears('challenge').then(() => peer.write(sasl('abort') + '</stream:stream>')),
      (peer) => peer.gone(),
    ],
    ['challenge', 'failure aborted'],
  ],
  refused('RFC 4616 §2: PLAIN of nothing', auth('PLAIN', '='), 'malformed-request'),
  refused('RFC 4616 §2: PLAIN without NUL', plain('mallory'), 'malformed-request'),
  refused('RFC 4616 §2: PLAIN with one NUL', plain('\0mallory'), 'malformed-request'),
  refused('RFC 4616 §2: PLAIN with three', plain('\0mallory\0a\0b'), 'malformed-request'),
  refused('RFC 4616 §2: PLAIN without a name', plain('\0\0secret'), 'malformed-request'),
  refused('RFC 4616 §2: PLAIN without a password', plain('\0mallory\0'), 'malformed-request'),
  refused(
    'RFC 4616 §2: PLAIN that is not UTF-8',
    auth('PLAIN', Buffer.from([0, 0xff, 0, 0xfe]).toString('base64')),
    'malformed-request',
  ),
  refused('RFC 6120 §6.5.10: a wrong password', plain('\0romeo\0wrong'), 'not-authorized'),
  refused('RFC 6120 §6.5.10: an unknown user', plain('\0nobody\0wrong'), 'not-authorized'),
  refused('RFC 6120 §6.5.10: a name that is none', plain('\0a b@c/d\0wrong'), 'not-authorized'),
  refused('RFC 6120 §6.5.10: a name of 5,000 letters', plain(`\0${'n'.repeat(5000)}\0wrong`), 'not-authorized'),
  refused('RFC 6120 §6.5.10: a password of 5,000 letters', plain(`\0romeo\0${'n'.repeat(5000)}`), 'not-authorized'),
  refused(
    'RFC 6120 §6.5.6: the right password, for somebody else',
    plain(`juliet@localhost\0romeo\0${password}`),
    'invalid-authzid',
  ),
  refused(
    'RFC 6120 §6.5.6: the right password, for the server',
    plain(`localhost\0romeo\0${password}`),
    'invalid-authzid',
  ),
  [
    'RFC 6120 §6.4.2: a login that begins anew ends the one before',
    [first('n,,n=romeo,r=a'), first('n,,n=juliet,r=b'), sasl('abort')],
    ['challenge', 'challenge', 'failure aborted'],
  ],
  ['RFC 6120 §4.9.3.14: a SASL message of 20 KB', plain('x'.repeat(15_000)), 'error policy-violation stanza-too-big'],
  [
    'RFC 6120 §6.4.5: three failures end the stream',
    [1, 2, 3].map(() => sasl('hello')),
    ['failure malformed-request', 'failure malformed-request', 'failure malformed-request', 'error policy-violation'],
    'tcp',
  ],
  [
    'RFC 6120 §6.4.5: 1,000 logins at once get three answers',
    plain('\0romeo\0wrong').repeat(1000),
    ['failure not-authorized', 'failure not-authorized', 'failure not-authorized', 'error policy-violation'],
    'tls',
  ],
  [
    'RFC 6120 §6.4.4: three aborts end the stream',
    sasl('abort').repeat(100),
    ['failure aborted', 'failure aborted', 'failure aborted', 'error policy-violation'],
  ],

  refused('RFC 5802 §7: a first message of nothing', auth('SCRAM-SHA-256', '='), 'malformed-request'),
  refused('RFC 5802 §7: a first message without its GS2 header', first('n=romeo,r=abc'), 'malformed-request'),
  refused('RFC 5802 §7: an unknown GS2 flag', first('x,,n=romeo,r=abc'), 'malformed-request'),
  refused('RFC 5802 §7: no nonce', first('n,,n=romeo'), 'malformed-request'),
  refused('RFC 5802 §7: an empty nonce', first('n,,n=romeo,r='), 'malformed-request'),
  refused('RFC 5802 §7: a nonce with a space', first('n,,n=romeo,r=a b'), 'malformed-request'),
  refused('RFC 5802 §7: no name', first('n,,r=abc'), 'malformed-request'),
  refused('RFC 5802 §5.1: an escape that is none', first('n,,n=a=41,r=abc'), 'malformed-request'),
  refused('RFC 5802 §5.1: a mandatory extension', first('n,,m=x,n=romeo,r=abc'), 'malformed-request'),
  refused('RFC 5802 §7: NUL in a name', first('n,,n=ro\0meo,r=abc'), 'malformed-request'),
  refused('RFC 5802 §6: channel binding without -PLUS', first('p=tls-exporter,,n=romeo,r=abc'), 'malformed-request'),
  [
    ...refused(
      'RFC 5802 §6: -PLUS without channel binding',
      first('n,,n=romeo,r=abc', 'SCRAM-SHA-256-PLUS'),
      'malformed-request',
    ),
    'tls',
  ],
  [
    ...refused(
      'RFC 5802 §6: -PLUS without TLS',
      first('p=tls-exporter,,n=romeo,r=abc', 'SCRAM-SHA-256-PLUS'),
      'invalid-mechanism',
    ),
    'tcp',
  ],
  [
    ...refused(
      "RFC 5802 §6: a downgrade: 'y' where -PLUS was offered",
      first('y,,n=romeo,r=abc'),
      'mechanism-too-weak',
    ),
    'tls',
  ],
  [
    ...refused(
      'RFC 5802 §6: an unknown channel binding',
      first('p=tls-magic,,n=romeo,r=abc', 'SCRAM-SHA-256-PLUS'),
      'mechanism-too-weak',
    ),
    'tls',
  ],
  spoilt(
    'RFC 5802 §3: a proof with one bit changed',
    { proof: (proof) => proof.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) },
    'not-authorized',
  ),
  spoilt('RFC 5802 §3: a proof of another length', { proof: (proof) => proof.subarray(1) }, 'not-authorized'),
  spoilt('RFC 5802 §3: a proof of zeros', { proof: (proof) => proof.fill(0) }, 'not-authorized'),
  spoilt('RFC 5802 §3: the proof of a wrong password', { password: 'wrong' }, 'not-authorized'),
  spoilt(
    "RFC 5802 §5.1: the server's part of the nonce left out",
    { final: (text) => text.replace(/r=(.{8})[^,]*/, 'r=$1') },
    'not-authorized',
  ),
  spoilt('RFC 5802 §5.1: another nonce', { final: (text) => text.replace('r=', 'r=x') }, 'not-authorized'),
  spoilt(
    'RFC 5802 §5.1: another GS2 header than at first',
    { final: (text) => text.replace('c=biws', `c=${base64('y,,')}`) },
    'not-authorized',
  ),
  spoilt(
    'RFC 5802 §5.1: channel binding data out of the air',
    { final: (text) => text.replace('c=biws', `c=${base64('n,,magic')}`) },
    'not-authorized',
  ),
  spoilt('RFC 5802 §7: no proof', { final: (text) => text.replace(/,p=.*/, '') }, 'malformed-request'),
  spoilt(
    'RFC 5802 §7: a proof that is no base64',
    { final: (text) => text.replace(/,p=.*/, ',p=****') },
    'incorrect-encoding',
  ),
  spoilt('RFC 5802 §5.1: a mandatory extension at the end', { final: (text) => `m=x,${text}` }, 'malformed-request'),
  spoilt('RFC 5802 §7: a final message of nothing', { final: () => '' }, 'malformed-request'),
  spoilt('RFC 5802 §5.1: an unknown user meets a challenge too', { name: 'nobody' }, 'not-authorized'),
  spoilt('RFC 5802 §9: a whole exchange, recorded and replayed', { isReplayed: true }, 'not-authorized'),
  spoilt(
    'RFC 5802 §9: the answer to another challenge of the same nonce',
    { isReplayed: true, nonce: 'reused' },
    'not-authorized',
  ),
  [
    'RFC 5802 §9: a final message twice',
    scram('SHA-256', { isTwice: true }),
    ['challenge', 'success', 'error not-authorized'],
  ],
])
