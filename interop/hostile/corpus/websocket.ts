import { attacks, type Move } from '../attack.ts'
import { frame } from '../frames.ts'
import { header, open, upgrade } from '../peer.ts'

const ways = ['websocket', 'secure websocket'] as const
const message = "<message xmlns='jabber:client' to='juliet@localhost'><body>hi</body></message>"
/** The connection fails with that code (RFC 6455 §7.1.7): no word of XMPP. */
const failed = (code: number) => [`frame close ${code}`, 'gone']
const bytes = (...values: number[]) => Uint8Array.from(values)
const framing = (name: string, attrs = '') => `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-framing'${attrs}/>`
const handshake = (change: (text: string) => string) => Buffer.from(change(upgrade))
const without = (name: string) => handshake((text) => text.replace(new RegExp(`${name}: .*\r\n`), ''))

/** How many pings are answered before the connection is cut is chance. */
const withoutPongs: Move = async (peer) => {
  await peer.gone()
  peer.heard.splice(0, Infinity, ...peer.heard.filter((said) => said !== 'frame pong'))
}

/** RFC 7395 (XMPP) and RFC 6455 (WebSocket), abused. */
export const webSocket = [
  ...attacks(
    'bound',
    [
      ['RFC 6455 §5.1: a frame without a mask', frame(1, message, { isMasked: false }), failed(1002)],
      ['RFC 7395 §3.2: a binary message', frame(2, message), failed(1003)],
      ['RFC 6455 §5.2: a reserved opcode', frame(3, message), failed(1002)],
      ['RFC 6455 §5.2: a reserved control opcode', frame(11), failed(1002)],
      ['RFC 6455 §5.2: a reserved bit', frame(1, message, { reserved: 2 }), failed(1002)],
      ['RFC 7692 §6: compressed, which was not agreed', frame(1, message, { reserved: 4 }), failed(1002)],
      ['RFC 6455 §5.4: a continuation of nothing', frame(0, message), failed(1002)],
      [
        'RFC 6455 §5.4: a message within a message',
        Buffer.concat([frame(1, '<message', { isFinal: false }), frame(1, message)]),
        failed(1002),
      ],
      ['RFC 6455 §5.5: a ping in fragments', frame(9, 'hi', { isFinal: false }), failed(1002)],
      ['RFC 6455 §5.5: a ping of 126 bytes', frame(9, 'x'.repeat(126)), failed(1002)],
      ['RFC 6455 §5.5.1: a close with one byte', frame(8, bytes(3)), failed(1002)],
      ['RFC 6455 §7.4.1: a close with a code that is not sent', frame(8, bytes(3, 237)), failed(1002)],
      ['RFC 6455 §8.1: a close whose reason is not UTF-8', frame(8, bytes(3, 232, 0xff)), failed(1007)],
      ['RFC 6455 §7.4.1: a message that is not UTF-8', frame(1, bytes(0x3c, 0xff, 0x3e)), failed(1007)],
      ['RFC 6455 §7.4.1: an overlong character', frame(1, bytes(0xc0, 0x80)), failed(1007)],
      ['RFC 6455 §7.4.1: a surrogate', frame(1, bytes(0xed, 0xa0, 0x80)), failed(1007)],
      ['RFC 6455 §7.4.1: a frame that claims 1 GB', frame(1, '<message', { length: 2 ** 30 }), failed(1009)],
      ['RFC 6455 §7.4.1: a message of 300 KB', 'x'.repeat(300_000), failed(1009)],
      [
        'RFC 6455 §7.4.1: a message of 300 KB in fragments',
        Buffer.concat([
          frame(1, '<a', { isFinal: false }),
          ...Array<Buffer>(30).fill(frame(0, 'x'.repeat(10_000), { isFinal: false })),
        ]),
        failed(1009),
      ],
      [
        'RFC 6455 §5.4: 20,000 fragments of one byte',
        [
          frame(1, '<', { isFinal: false }),
          Buffer.concat(Array<Buffer>(20_000).fill(frame(0, 'm', { isFinal: false }))),
          frame(0, '/>'),
        ],
        failed(1008),
      ],
      [
        'RFC 6455 §5.4: 20,000 fragments of nothing',
        [
          frame(1, '<hello', { isFinal: false }),
          Buffer.concat(Array<Buffer>(20_000).fill(frame(0, '', { isFinal: false }))),
          frame(0, '/>'),
        ],
        failed(1008),
      ],
      [
        'RFC 6455 §5.5.2: 50 pings',
        Buffer.concat(Array<Buffer>(50).fill(frame(9, 'x'))),
        Array<string>(50).fill('frame pong'),
      ],
      [
        'RFC 6455 §5.5.2: pings faster than pongs can leave',
        [Buffer.concat(Array<Buffer>(5000).fill(frame(9, 'x'))), withoutPongs],
        ['gone'],
      ],
      ['RFC 6455 §5.5.3: a pong that nobody asked for', frame(10, 'x'), ''],
      ['RFC 7395 §3.3.3: two stanzas in a message', message + message, 'error not-well-formed'],
      ['RFC 7395 §3.3.3: half a stanza in a message', message.slice(0, 30), 'error not-well-formed'],
      ['RFC 7395 §3.3.3: a stanza in two messages', [message.slice(0, 30), message.slice(30)], 'error not-well-formed'],
      ['RFC 7395 §3.3.3: text in a message', 'hello', 'error not-well-formed'],
      ['RFC 7395 §3.3.3: an empty message', '', 'error not-well-formed'],
      ['RFC 7395 §3.8: white space as a sign of life', ' ', 'error not-well-formed'],
      [
        'RFC 7395 §3.3: a stanza without its namespace',
        message.replace(" xmlns='jabber:client'", ''),
        'error unsupported-stanza-type',
      ],
      [
        'RFC 7395 §3.3: a prefix declared in an earlier message',
        ["<a:x xmlns:a='urn:x' xmlns='jabber:client'/>".replace('a:x', 'message'), '<a:y/>'],
        'error not-well-formed',
      ],
      [
        'RFC 7395 §3.5: an error from the client',
        "<error xmlns='http://etherx.jabber.org/streams'/>",
        ['closed', 'frame close 1000', 'gone'],
      ],
      ['RFC 7395 §3.4: a second <open/> after binding', open, 'error unsupported-stanza-type'],
      [
        'RFC 6120 §11.1: a document type in a message',
        `<!DOCTYPE a [<!ENTITY b 'c'>]>${message}`,
        'error restricted-xml',
      ],
      ['RFC 6120 §11.1: a comment in a message', `<!-- hi -->${message}`, 'error restricted-xml'],
      ['RFC 6120 §11.1: an entity in a message', message.replace('hi', '&xxe;'), 'error restricted-xml'],
      ['RFC 6120 §11.3: NUL in a message', message.replace('hi', '\0'), 'error not-well-formed'],
      [
        'RFC 6120 §4.9.3.14: 65 levels in a message',
        "<a xmlns='urn:x'>".repeat(65),
        'error policy-violation stanza-too-big',
      ],
      [
        'RFC 6120 §4.9.3.9: a message from somebody else',
        message.replace('<message', "<message from='romeo@localhost'"),
        'error invalid-from',
      ],
    ],
    { ways },
  ),
  ...attacks(
    'header',
    [
      [
        'RFC 7395 §3.9: STARTTLS',
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        ['tls failure', 'closed', 'frame close 1000', 'gone'],
      ],
      ['RFC 6120 §4.9.3.12: a message before login', message, 'error not-authorized'],
      [
        'RFC 6120 §4.9.3.14: a message of 20 KB before login',
        `<auth xmlns='urn:x'>${'x'.repeat(20_000)}</auth>`,
        'error policy-violation stanza-too-big',
      ],
    ],
    { ways },
  ),
  ...attacks(
    'raw',
    [
      ['RFC 7395 §3.3.3: <stream:stream> in place of <open/>', header, 'error not-well-formed'],
      ['RFC 7395 §3.3.3: the same, whole', `${header.slice(21, -1)}/>`, 'error invalid-namespace'],
      ['RFC 7395 §3.4: an <open/> of no namespace', open.replace(/ xmlns='[^']*'/, ''), 'error invalid-namespace'],
      ['RFC 7395 §3.4: <opening/>', framing('opening', " to='localhost' version='1.0'"), 'error bad-format'],
      ['RFC 7395 §3.4: an unknown host', open.replace('localhost', 'elsewhere.example'), 'error host-unknown'],
      ['RFC 7395 §3.4: no host', open.replace("to='localhost'", ''), 'error improper-addressing'],
      ['RFC 7395 §3.4: no version', open.replace("version='1.0'", ''), 'error unsupported-version'],
      ['RFC 7395 §3.6: <close/> in place of <open/>', framing('close'), 'header'],
      ['RFC 7395 §3.2: a binary <open/>', frame(2, open), failed(1003)],
    ],
    { ways },
  ),
  ...attacks(
    'raw',
    [
      ['RFC 7395 §3.1: no subprotocol', without('Sec-WebSocket-Protocol'), ['http 400', 'gone']],
      [
        'RFC 7395 §3.1: another subprotocol',
        handshake((text) => text.replace('xmpp\r', 'mqtt\r')),
        ['http 400', 'gone'],
      ],
      ['RFC 6455 §4.2.1: no key', without('Sec-WebSocket-Key'), ['http 400', 'gone']],
      ['RFC 6455 §4.2.1: a key that is none', handshake((text) => text.replace('AAAA', '')), ['http 400', 'gone']],
      ['RFC 6455 §4.2.1: version 8', handshake((text) => text.replace('13', '7')), ['http 400', 'gone']],
      ['RFC 6455 §4.2.1: POST', handshake((text) => text.replace('GET', 'POST')), ['http 405', 'gone']],
      ['RFC 6455 §4.2.2: another path', handshake((text) => text.replace('/xmpp', '/elsewhere')), ['http 404', 'gone']],
      [
        'RFC 9110 §15.5.22: no upgrade',
        handshake((text) =>
          text.replace(/Connection: .*\r\n|Upgrade: .*\r\n/g, '').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
        ),
        ['http 426', 'gone'],
      ],
    ],
    { ways: ['http', 'https'] },
  ),
]
