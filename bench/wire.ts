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

/** Direct TLS (XEP-0368), always with a full handshake; no channel binding, which not every peer gets right on TLS 1.3. */
export function tls(port: number): Connect {
  return async (events) => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ALPNProtocols: ['xmpp-client'],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      secureContext: context,
      ecdhCurve: 'P-256',
    })
    const wire = await opened(socket, 'secureConnect', events)
    check(socket.setNoDelay())
    return wire
  }
}

function check(socket: TLSSocket): void {
  const { name } = socket.getEphemeralKeyInfo() as { name?: string }
  const what = `${socket.getProtocol()} ${name} ${socket.isSessionReused() ? 'resumed' : 'full'}`
  if (what !== 'TLSv1.3 prime256v1 full') throw new Error(`not the TLS that is to be measured: ${what}`)
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
