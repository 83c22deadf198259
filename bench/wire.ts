import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls'
import type { Connect, Wire, WireEvents } from '@jackdaw/testkit'

/** The same for whomever we talk to: TLS 1.3, keys agreed on P-256, certificates not checked. */
const context = createSecureContext({ minVersion: 'TLSv1.3', ecdhCurve: 'P-256' })

/** In clear; STARTTLS is not used, which not every peer is configured to offer. */
export function tcp(port: number): Connect {
  return (events) => {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
    return opened(socket, 'connect', events)
  }
}

/**
 * Direct TLS (XEP-0368): a full handshake at first; who comes again shows the ticket that it was given. No channel binding, which not
 * every peer gets right on TLS 1.3.
 */
export function tls(port: number): Connect {
  let session: Buffer | undefined
  return async (events) => {
    const ticket = session
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ALPNProtocols: ['xmpp-client'],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      secureContext: context,
      ecdhCurve: 'P-256',
      ...(ticket && { session: ticket }),
    })
    socket.on('session', (given: Buffer) => (session = given))
    const wire = await opened(socket, 'secureConnect', events)
    check(socket.setNoDelay(), ticket ? 'resumed' : 'full')
    return wire
  }
}

function check(socket: TLSSocket, handshake: 'full' | 'resumed'): void {
  const { name } = socket.getEphemeralKeyInfo() as { name?: string }
  const what = `${socket.getProtocol()} ${name} ${socket.isSessionReused() ? 'resumed' : 'full'}`
  if (what !== `TLSv1.3 prime256v1 ${handshake}`) throw new Error(`not the TLS that is to be measured: ${what}`)
}

function opened(socket: Socket, when: 'connect' | 'secureConnect', events: WireEvents): Promise<Wire> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once(when, () => {
      socket.off('error', reject).on('error', () => {})
      socket.on('data', (chunk) => events.data(chunk)).on('close', () => events.gone())
      resolve({
        framing: 'tcp',
        bindings: new Map(),
        isSecure: when === 'secureConnect',
        write: (text) => void socket.write(text, 'latin1'),
        end: () => void socket.end(),
        destroy: () => void socket.destroy(),
      })
    })
  })
}
