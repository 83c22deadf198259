import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Milliseconds that an answer may take. */
const patience = 5000
/** Of an answer, more is not read. Bytes. */
const longest = 256 * 1024
const mostRedirections = 3
/** RFC 8489 §5, §14.2 */
const magicCookie = 0x2112a442
const bindingResponse = 0x0101

export interface Answer {
  readonly status: number
  readonly text: string
}

/** Asks what is elsewhere. Rejections say why in a few words: 'nothing listens there'. */
export interface Outside {
  /** The addresses of a name, or the address itself. */
  lookup(name: string): Promise<readonly string[]>
  /** Over HTTP or HTTPS, following redirections. */
  ask(url: string, method?: 'GET' | 'OPTIONS'): Promise<Answer>
  /** Connects by TCP and, if wanted, TLS, with a certificate that is trusted. */
  reach(to: { readonly host: string; readonly port: number; readonly isTls: boolean }): Promise<void>
  /** Has a STUN server answer over UDP (RFC 8489). */
  stun(host: string, port: number): Promise<void>
}

/** @param ca certificates of authorities that are trusted instead of the usual ones */
export function outside(ca?: string): Outside {
  const trust = ca === undefined ? {} : { ca }
  const ask = (url: string, method: string, redirections: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = (url.startsWith('http:') ? requestHttp : requestHttps)(url, { method, agent: false, ...trust })
      const cancel = setTimeout(() => request.destroy(slow()), patience)
      request.on('error', (error) => {
        clearTimeout(cancel)
        reject(worded(error))
      })
      request.on('response', (response) => {
        const { statusCode: status = 0, headers } = response
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          if (text.length > longest) request.destroy(new Error('its answer is too long'))
        })
        response.on('error', (error) => reject(worded(error)))
        response.on('end', () => {
          clearTimeout(cancel)
          const next = status >= 300 && status < 400 ? URL.parse(headers.location ?? '', url) : null
          if (!next) resolve({ status, text })
          else if (redirections === 0) reject(new Error('it redirects again and again'))
          else resolve(ask(next.href, method, redirections - 1))
        })
      })
      request.end()
    })
  return {
    async lookup(name) {
      if (isIP(name) !== 0) return [name]
      try {
        return (await lookup(name, { all: true })).map(({ address }) => address)
      } catch (error) {
        throw worded(error)
      }
    },
    ask: (url, method = 'GET') => ask(url, method, mostRedirections),
    reach: ({ host, port, isTls }) =>
      new Promise((resolve, reject) => {
        const name = isIP(host) === 0 ? { servername: host } : {}
        const socket = isTls ? connectTls({ host, port, ...name, ...trust }) : connect({ host, port })
        socket.setTimeout(patience, () => socket.destroy(slow()))
        socket.once('error', (error) => reject(worded(error)))
        socket.once(isTls ? 'secureConnect' : 'connect', () => {
          socket.destroy()
          resolve()
        })
      }),
    async stun(host, port) {
      const { address, family } = await lookup(host).catch((error: unknown) => {
        throw worded(error)
      })
      await new Promise<void>((resolve, reject) => {
        const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
        const end = (error?: Error) => {
          clearTimeout(cancel)
          socket.close()
          if (error) reject(worded(error))
          else resolve()
        }
        const cancel = setTimeout(() => end(slow()), patience)
        const request = Buffer.alloc(20)
        request.writeUInt16BE(1)
        request.writeUInt32BE(magicCookie, 4)
        randomBytes(12).copy(request, 8)
        socket.once('error', end)
        socket.on('message', (answer) => {
          const isOurs = answer.length >= 20 && answer.subarray(4, 20).equals(request.subarray(4, 20))
          if (isOurs && answer.readUInt16BE() === bindingResponse) end()
        })
        socket.connect(port, address, () => socket.send(request))
      })
    },
  }
}

const slow = () => new Error(`no answer came in ${patience / 1000} s`)

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'the DNS gives no answer',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EHOSTUNREACH: 'there is no way there',
  ENETUNREACH: 'there is no way there',
  ETIMEDOUT: 'no answer came',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate names somebody else',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-made',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that this machine does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes without that of the issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that this machine does not trust',
}

function worded(error: unknown): Error {
  // Of several addresses each has failed: Node gathers that.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  const { code = '', message } = first as NodeJS.ErrnoException
  return new Error(words[code] ?? message, { cause: error })
}
