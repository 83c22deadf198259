import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../world.ts'

export interface LdapAddress {
  readonly url: URL
  /** Whether TLS is begun on a connection that begins in clear. */
  readonly startTls: boolean
  /** Certificates of authorities that are trusted instead of the usual ones, PEM. */
  readonly ca: string | undefined
}

/** RFC 4511 §4.14.1: message 1, an extended request with the name 1.3.6.1.4.1.1466.20037. */
const request = Buffer.from('\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037', 'latin1')

/** A connection that is as private as is wanted before the client library has it: that would connect again in clear by itself. Rejects when there is none in time. */
export function openLdapSocket(address: LdapAddress, timeout: number, clock: Clock): Promise<Socket> {
  const { url, startTls, ca } = address
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isSecure = url.protocol === 'ldaps:'
  const socket = connect({ host, port: Number(url.port || (isSecure ? 636 : 389)) })
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeout, () => fail(new Error('No connection in time')))
    const fail = (error: Error) => {
      cancel()
      socket.destroy()
      reject(error)
    }
    const ready = (one: Socket) => {
      cancel()
      socket.off('error', fail)
      one.off('error', fail)
      resolve(one)
    }
    const encrypt = () => {
      const secure: TLSSocket = connectTls({
        socket,
        ...(isIP(host) === 0 && { servername: host }),
        host,
        ...(ca !== undefined && { ca }),
      })
      secure.on('error', fail)
      secure.once('secureConnect', () => ready(secure))
    }
    socket.on('error', fail)
    socket.once('close', () => fail(new Error('The connection was closed')))
    socket.once('connect', () => {
      if (isSecure) return encrypt()
      if (!startTls) return ready(socket)
      socket.write(request)
      void agreement(socket).then(encrypt, fail)
    })
  })
}

/** Resolves when the server has agreed to begin TLS, and has said nothing behind that which would count as said within. */
async function agreement(socket: Socket): Promise<void> {
  const { BerReader } = await import('ldapts')
  let heard = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
      try {
        const reader = new BerReader(heard)
        if (reader.readSequence(0x30) === null || reader.remain < reader.length) {
          if (heard.length > 4096) throw new Error('The answer to StartTLS is too long')
          return
        }
        const isAll = reader.remain === reader.length
        const isOurs = reader.readInt() === 1 && reader.readSequence(0x78) !== null
        const code = reader.readEnumeration()
        if (!isAll || !isOurs) throw new Error('The answer to StartTLS is none')
        if (code !== 0) throw new Error(`StartTLS was refused with the code ${code}`)
        socket.off('data', read)
        resolve()
      } catch (error) {
        reject(error as Error)
      }
    }
    socket.on('data', read)
  })
}
