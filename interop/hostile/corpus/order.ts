import { attacks, type Move } from '../attack.ts'
import { header } from '../peer.ts'

const bind = `<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`
const tls = (name: string) => `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AAAA</auth>`
const enable = `<enable xmlns='urn:xmpp:sm:3'/>`

/** Clear text behind `<starttls/>`, then an honest handshake and an honest header. */
function injected(text: string): Move[] {
  return [
    `${tls('starttls')}${text}`,
    async (peer) => {
      await peer.hears('proceed')
      await peer.secure()
      peer.write(header)
      await peer.hears('features')
    },
  ]
}

/** Headers that are none, and things done before or after their time. */
export const order = [
  ...attacks('raw', [
    [
      'RFC 6120 §4.9.3.10: the namespace of the stream is wrong',
      header.replace('etherx.jabber.org/streams', 'example.org/'),
      'error invalid-namespace',
    ],
    [
      'RFC 6120 §4.9.3.10: the namespace of the content is that of servers',
      header.replace('jabber:client', 'jabber:server'),
      'error invalid-namespace',
    ],
    [
      'RFC 6120 §4.9.3.10: there is no namespace of the content',
      header.replace("xmlns='jabber:client'", ''),
      'error invalid-namespace',
    ],
    [
      'RFC 6120 §4.9.3.1: the first element is no stream',
      header.replaceAll('stream:stream', 'stream:features'),
      'error bad-format',
    ],
    [
      'RFC 6120 §4.9.3.10: a stanza in place of the header',
      `<message xmlns='jabber:client'><body>hi</body></message>`,
      'error invalid-namespace',
    ],
    [
      'RFC 6120 §4.9.3.6: a host that is not served',
      header.replace('localhost', 'elsewhere.example'),
      'error host-unknown',
    ],
    ['RFC 6120 §4.9.3.6: a host that is no name', header.replace("'localhost'", "'@@'"), 'error host-unknown'],
    [
      'RFC 6120 §4.9.3.6: a host of 10,000 letters',
      header.replace('localhost', 'a'.repeat(10_000)),
      'error host-unknown',
    ],
    ['RFC 6120 §4.9.3.6: an empty host', header.replace("'localhost'", "''"), 'error host-unknown'],
    ['RFC 6120 §4.7.2: no host', header.replace("to='localhost'", ''), 'error improper-addressing'],
    ['RFC 6120 §4.7.5: no version', header.replace("version='1.0' xmlns", 'xmlns'), 'error unsupported-version'],
    [
      'RFC 6120 §4.7.5: version 0.9',
      header.replace("version='1.0' xmlns", "version='0.9' xmlns"),
      'error unsupported-version',
    ],
    [
      'RFC 6120 §4.7.5: a version that is none',
      header.replace("version='1.0' xmlns", "version='one' xmlns"),
      'error unsupported-version',
    ],
    ['RFC 6120 §4.4: a stream that ends in its first tag', `${header.slice(0, -1)}/>`, ['header', 'features']],
    [
      'RFC 6120 §4.4: stanzas behind the end of the stream',
      `${header}</stream:stream><message/>${header}`,
      ['header', 'features'],
    ],
  ]),
  ...attacks('header', [
    [
      'RFC 6120 §4.9.3.12: a message before login',
      `<message to='juliet@localhost'><body>hi</body></message>`,
      'error not-authorized',
    ],
    ['RFC 6120 §4.9.3.12: presence before login', '<presence/>', 'error not-authorized'],
    [
      'RFC 6120 §4.9.3.12: a query before login',
      `<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>`,
      'error not-authorized',
    ],
    ['RFC 6120 §4.9.3.12: binding before login', bind, 'error not-authorized'],
    [
      'XEP-0198 §3: resumption before login',
      `<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>`,
      'failed unexpected-request',
    ],
    ['RFC 6120 §4.9.3.12: an unknown element before login', "<hello xmlns='urn:x'/>", 'error not-authorized'],
    [
      'XEP-0078: a login of the old kind',
      `<iq type='set' id='1'><query xmlns='jabber:iq:auth'><username>a</username><password>b</password><resource>c</resource></query></iq>`,
      'error not-authorized',
    ],
    ['RFC 6120 §4.9.3.24: features from a client', '<stream:features/>', 'error unsupported-stanza-type'],
    [
      'RFC 6120 §4.9.3.24: a second header without cause',
      `${header.slice(21)}</stream:stream>`,
      'error unsupported-stanza-type',
    ],
    [
      'RFC 6120 §4.9.1.1: an error from the client ends the stream',
      `<stream:error><bad-format xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
      ['closed', 'gone'],
    ],
    ['RFC 6120 §5.4.2.2: STARTTLS on TLS', tls('starttls'), ['tls failure', 'closed', 'gone'], 'tls'],
    ['RFC 6120 §5.4.2.2: STARTTLS twice', tls('starttls'), ['tls failure', 'closed', 'gone'], 'starttls'],
    ['RFC 6120 §5.4.2.2: a STARTTLS command that is none', tls('stoptls'), ['tls failure', 'closed', 'gone'], 'tcp'],
    ["RFC 6120 §5.4.2.2: the server's own words of STARTTLS", tls('proceed'), ['tls failure', 'closed', 'gone'], 'tcp'],
    [
      'RFC 6120 §5.4.3.3: a login injected behind <starttls/>',
      injected(auth),
      ['proceed', 'header', 'features'],
      'tcp',
    ],
    [
      'RFC 6120 §5.4.3.3: a stanza injected behind <starttls/>',
      injected('<message/>'),
      ['proceed', 'header', 'features'],
      'tcp',
    ],
    [
      'RFC 6120 §5.4.3.3: half a stanza injected behind <starttls/>',
      injected("<message to='"),
      ['proceed', 'header', 'features'],
      'tcp',
    ],
    [
      'RFC 6120 §5.4.3.3: a header injected behind <starttls/>',
      injected(header),
      ['proceed', 'header', 'features'],
      'tcp',
    ],
    [
      'RFC 6120 §5.4.3.3: what no XML is injected behind <starttls/>',
      injected('<<<&\0'),
      ['proceed', 'header', 'features'],
      'tcp',
    ],
    [
      'RFC 6120 §5.4.3.2: clear text in place of the handshake',
      [tls('starttls'), (peer) => void peer.hears('proceed').then(() => peer.write(header))],
      ['proceed', 'gone'],
      'tcp',
    ],
  ]),
  ...attacks('authenticated', [
    [
      'RFC 6120 §7.1: a message before binding',
      `<message to='juliet@localhost'><body>hi</body></message>`,
      'error not-authorized',
    ],
    ['RFC 6120 §7.1: presence before binding', '<presence/>', 'error not-authorized'],
    [
      'RFC 6120 §7.1: a query to the server before binding',
      `<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
      'error not-authorized',
    ],
    ['RFC 6120 §6.4.6: a second login', auth, 'error not-authorized'],
    ['RFC 6120 §5.4.2.2: STARTTLS after login', tls('starttls'), ['tls failure', 'closed', 'gone']],
    [
      'RFC 6120 §7.7.2.1: a resource of 2,000 letters',
      bind.replace('/></iq>', `><resource>${'x'.repeat(2000)}</resource></bind></iq>`),
      'iq error modify bad-request #1',
    ],
    [
      'RFC 6120 §7.7.2.1: a resource of a forbidden character',
      bind.replace('/></iq>', '><resource>\u200b\u{e0001}</resource></bind></iq>'),
      'iq error modify bad-request #1',
    ],
    ['RFC 6120 §7.6.1: binding with get', bind.replace("'set'", "'get'"), 'iq error modify bad-request #1'],
    ['RFC 6120 §8.1.3: binding without an id', bind.replace("id='1'", ''), 'iq error modify bad-request'],
    ['XEP-0198 §3: stream management before binding', enable, 'failed unexpected-request'],
  ]),
  ...attacks('bound', [
    ['RFC 6120 §8.4: a second binding', bind, 'iq error cancel service-unavailable #1'],
    ['RFC 6120 §6.4.6: a login after binding', auth, 'error not-authorized'],
    ['RFC 6120 §5.4.2.2: STARTTLS after binding', tls('starttls'), ['tls failure', 'closed', 'gone']],
    [
      'RFC 6120 §4.9.3.24: a second header after binding',
      `${header.slice(21)}</stream:stream>`,
      'error unsupported-stanza-type',
    ],
    [
      "RFC 6120 §4.9.3.24: an unknown element of the stream's namespace",
      '<stream:hello/>',
      'error unsupported-stanza-type',
    ],
    ['RFC 6120 §4.9.3.24: an unknown stanza', '<hello/>', 'error unsupported-stanza-type'],
    ['RFC 6120 §4.9.3.24: a stanza in another namespace', "<message xmlns='urn:x'/>", 'error unsupported-stanza-type'],
    [
      'RFC 6120 §4.9.3.10: a stanza in the namespace of servers',
      "<message xmlns='jabber:server'/>",
      'error invalid-namespace',
    ],
    ['RFC 6120 §4.9.3.24: a stanza without namespace', "<message xmlns=''/>", 'error unsupported-stanza-type'],
  ]),
]
