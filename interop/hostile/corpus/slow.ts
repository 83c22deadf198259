import { attacks, type Move } from '../attack.ts'
import { frame } from '../frames.ts'
import { header, type Peer } from '../peer.ts'

/** One byte after the other, until the server has had enough. */
const drip =
  (text: string): Move =>
  async (peer: Peer) => {
    const timer = setInterval(() => peer.write(Buffer.from(text[at++ % text.length]!, 'latin1')), 20)
    let at = 0
    await peer.gone()
    clearInterval(timer)
  }
const silence: Move = (peer) => peer.gone()
const timeout = 'error connection-timeout'

/** Clients that take their time, at a server which gives little: `tightLimits`. */
export const slow = [
  ...attacks(
    'raw',
    [
      ['RFC 6120 §4.9.3.4: silence', silence, ['header', timeout], 'tcp'],
      ['RFC 6120 §4.9.3.4: silence on TLS', silence, ['header', timeout], 'tls'],
      ['RFC 6120 §4.9.3.4: a header, byte by byte', drip(header.slice(0, -1) + ' '.repeat(10_000)), timeout, 'tcp'],
      ['RFC 6120 §4.9.3.4: white space, byte by byte', drip(' '), timeout, 'tls'],
      ['RFC 6120 §4.9.3.4: silence on a WebSocket', silence, timeout, 'websocket'],
      [
        'RFC 6455 §5.5.3: pongs keep nobody who does not log in',
        drip(frame(10, '').toString('latin1')),
        timeout,
        'websocket',
      ],
      ['RFC 8446 §4.1.2: silence where a ClientHello ought to come', silence, ['gone'], 'raw tls'],
      [
        'RFC 8446 §4.1.2: a ClientHello, byte by byte',
        drip('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(500, '\0')),
        ['gone'],
        'raw tls',
      ],
      ['RFC 8446 §5.1: an empty handshake record', [Buffer.from('1603010000', 'hex'), silence], ['gone'], 'raw tls'],
      ['RFC 6176: the beginning of SSL 2.0', [Buffer.from('802e0100020015', 'hex'), silence], ['gone'], 'raw tls'],
    ],
    { server: 'tight' },
  ),
  ...attacks(
    'header',
    [
      ['RFC 6120 §4.9.3.4: silence before login', silence, timeout],
      [
        'RFC 6120 §4.9.3.4: an auth, byte by byte',
        drip(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'${' '.repeat(10_000)}`),
        timeout,
      ],
      [
        'RFC 6120 §5.4.3.2: a STARTTLS handshake that never begins',
        ["<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", silence],
        ['proceed', 'gone'],
        'tcp',
      ],
      [
        'RFC 6120 §4.9.3.4: a SASL exchange that does not go on',
        ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>", silence],
        ['challenge', timeout],
      ],
    ],
    { server: 'tight' },
  ),
  ...attacks('authenticated', [['RFC 6120 §4.9.3.4: silence before binding', silence, timeout]], { server: 'tight' }),
  ...attacks('bound', [['RFC 6120 §4.6.4: silence after a ping', silence, ['iq get #keep-alive', timeout]]], {
    server: 'tight',
  }),
  ...attacks('raw', [
    [
      'RFC 9110 §15.5.9: a request, byte by byte',
      ['GET /health HTTP/1.1\r\n', drip(`X: ${'y'.repeat(10_000)}`)],
      ['http 408', 'gone'],
      'http',
    ],
    ['RFC 9110 §15.5.9: half a request over TLS', ['GET /health HTTP/1.1\r\n', silence], ['http 408', 'gone'], 'https'],
  ]),
]
