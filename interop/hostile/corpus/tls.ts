import { type ConnectionOptions, connect } from 'node:tls'
import { attacks, type Move } from '../attack.ts'
import { header, type Peer } from '../peer.ts'

const ways = ['raw tls'] as const
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** An honest ClientHello, as this Node writes it. */
const clientHello: Promise<Buffer> = firstFlight({})
const firstBytes =
  (count: number): Move =>
  async (peer) =>
    peer.write((await clientHello).subarray(0, count))
/** A handshake with such a client, whose alerts are of no interest. */
const shake =
  (options: ConnectionOptions): Move =>
  async (peer) =>
    peer.write(await firstFlight(options))
const part =
  (at: number, change: number): Move =>
  async (peer) => {
    const hello = Buffer.from(await clientHello)
    hello[at]! ^= change
    peer.write(hello)
  }

/** What comes first on a connection of such a client. */
async function firstFlight(options: ConnectionOptions): Promise<Buffer> {
  const { Duplex } = await import('node:stream')
  return new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
    connect({ socket, servername: 'localhost', rejectUnauthorized: false, ...options }).on('error', () => {})
  })
}

/** After an honest handshake: breaks the TLS below the stream. */
const record =
  (bytes: Buffer): Move =>
  async (peer: Peer) => {
    await peer.hears('features')
    peer.raw(bytes)
  }

/** TLS, broken in all its parts. Alerts are those of RFC 8446 §6.2. */
export const tls = [
  ...attacks(
    'raw',
    [
      ['RFC 8446 §5.1: XMPP in clear', header, ['gone']],
      ['RFC 8446 §5.1: HTTP in clear', 'GET / HTTP/1.1\r\n\r\n', ['gone']],
      ['RFC 8446 §5.1: zeros', Buffer.alloc(1000), ['gone']],
      ['RFC 8446 §5.1: noise', Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 73 + 11) & 0xff)), ['gone']],
      [
        'RFC 8446 §5.1: a record of 65,535 bytes',
        hex('160301ffff').toString('latin1') + 'x'.repeat(66_000),
        ['alert 22', 'gone'],
      ],
      ['RFC 8446 §4: a handshake message that claims 16 MB', hex('16 0301 0004 01 ffffff'), ['alert 47', 'gone']],
      ['RFC 8446 §4: a ServerHello from the client', part(5, 3), ['alert 10', 'gone']],
      ['RFC 8446 §6: an alert in place of a handshake', hex('15 0301 0002 02 28'), ['alert 10', 'gone']],
      ['RFC 8446 §6: a warning in place of a handshake', hex('15 0301 0002 01 00'), ['alert 10', 'gone']],
      ['RFC 8446 §5: application data before the handshake', hex('17 0303 0005 68656c6c6f'), ['alert 10', 'gone']],
      ['RFC 6520: a heartbeat before the handshake', hex('18 0302 0003 01 4000'), ['alert 10', 'gone']],
      [
        'RFC 8996: TLS 1.1 at most',
        shake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
        ['alert 70', 'gone'],
      ],
      ['RFC 7301 §3.2: another protocol by ALPN', shake({ ALPNProtocols: ['h2'] }), ['alert 120', 'gone']],
      [
        'RFC 9325 §4.2: no cipher that is accepted',
        shake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }),
        ['alert 40', 'gone'],
      ],
      [
        'RFC 8446 §4.1.2: a client that leaves after half a ClientHello',
        [firstBytes(100), (peer) => void peer.socket.end()],
        ['gone'],
      ],
      [
        'RFC 8446 §4.1.2: a client that leaves after its ClientHello',
        [firstBytes(10_000), (peer) => peer.vanish()],
        ['gone'],
      ],
      ['RFC 8446 §4.1.2: a client that leaves without a byte', [(peer) => void peer.socket.end()], ['gone']],
    ],
    { ways },
  ),
  ...attacks('raw', [
    [
      'RFC 8446 §5.2: a record that is not authentic, within the stream',
      [header, record(Buffer.concat([hex('17 0303 0020'), Buffer.alloc(32)]))],
      ['header', 'features', 'gone'],
      'tls',
    ],
  ]),
]
