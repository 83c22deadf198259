import type { ClientHttp2Session } from 'node:http2'
import { type HttpAnswer, longestAnswer, type Outbound, timeout, waitOf } from '../../outbound/outbound.ts'

/** How long (milliseconds) a connection stays open that nobody uses. */
const idle = 300_000

/** HTTP/2 over TLS, one connection for each origin. `ca`: certificates of authorities that are trusted instead of the usual ones. */
export function http2Outbound(ca?: string): Outbound & { close(): void } {
  const sessions = new Map<string, ClientHttp2Session>()

  function sessionOf(origin: string): ClientHttp2Session {
    const known = sessions.get(origin)
    if (known && !known.closed && !known.destroyed) return known
    // Loaded by the first notification: many servers never send one.
    const { connect } = process.getBuiltinModule('node:http2')
    const session = connect(origin, ca === undefined ? {} : { ca })
    const forget = () => {
      if (sessions.get(origin) === session) sessions.delete(origin)
    }
    session.setTimeout(idle, () => session.close())
    session.on('close', forget).on('goaway', forget)
    // Its streams tell those who wait.
    session.on('error', forget)
    session.unref()
    sessions.set(origin, session)
    return session
  }

  const send: Outbound = ({ url, headers, body }, clock) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const session = sessionOf(url.origin)
      const stream = session.request({ ':method': 'POST', ':path': url.pathname + url.search, ...headers })
      const cancel = clock.after(timeout, () => {
        // It may be dead: the next one takes another.
        session.destroy()
        fail(new Error('No answer in time'))
      })
      const fail = (error: Error) => {
        cancel()
        reject(error)
      }
      let answer: Omit<HttpAnswer, 'body'> | undefined
      let text = ''
      stream.on('response', (got) => {
        answer = { status: Number(got[':status']), retryAfter: waitOf(got['retry-after'], clock) }
      })
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => void (text += text.length < longestAnswer ? chunk : ''))
      stream.on('error', fail)
      stream.on('close', () => {
        if (!answer) return fail(new Error('The connection was closed without an answer'))
        cancel()
        resolve({ ...answer, body: text.slice(0, longestAnswer) })
      })
      stream.end(body)
    })

  return Object.assign(send, {
    close() {
      for (const session of sessions.values()) session.destroy()
    },
  })
}
