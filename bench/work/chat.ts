import { cutAll, type Link, type LoadClient, loginMany } from '../load.ts'
import type { Peer } from '../peers/peer.ts'

export interface ChatResult {
  /** Messages delivered in a second. */
  readonly rate: number
  /** Server's processor time for a delivered message, microseconds. */
  readonly cpu: number
  /** How busy the load's own processor was, 0 … 1. */
  readonly load: number
}

const words =
  'It was the nightingale, and not the lark, that pierced the fearful hollow of thine ear; nightly she sings on yond pomegranate-tree.'

/** Closed loop, window 1: in each pair one message goes to and fro. Every message must arrive once and in order. */
export async function chat(peer: Peer, pairs: number, seconds: number, link: Link): Promise<ChatResult> {
  const clients = await loginMany(peer, 0, pairs * 2, link)
  // What an earlier run left waiting is not ours.
  const tag = Math.floor(performance.now()).toString(36)
  const idOf = new RegExp(`id=['"]${tag}-(\\d+)['"]`)
  let delivered = 0
  let isRunning = true
  let failed: Error | undefined
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let open = pairs
  for (let i = 0; i < pairs * 2; i += 2) play(clients[i]!, clients[i + 1]!)

  await pause(1000)
  const from = { cpu: peer.process.cpu, delivered, time: performance.now(), load: process.cpuUsage() }
  await pause(seconds * 1000)
  const elapsed = performance.now() - from.time
  const count = delivered - from.delivered
  const used = process.cpuUsage(from.load)
  const result = {
    rate: (count * 1000) / elapsed,
    cpu: (peer.process.cpu - from.cpu) / count,
    load: (used.user + used.system) / (elapsed * 1000),
  }
  isRunning = false
  await Promise.race([ended, pause(5000)])
  await cutAll(clients)
  if (failed) throw failed
  if (open > 0) throw new Error(`${open} messages never arrived`)
  return result

  function play(a: LoadClient, b: LoadClient): void {
    let expected = 0
    const side = (self: LoadClient, other: LoadClient) => {
      let text = ''
      // Stanzas before this one; with stream management each is counted.
      let handled = self.handled
      self.raw = (chunk) => {
        text += chunk
        for (;;) {
          const close = text.indexOf('</message>')
          const request = text.indexOf('<r xmlns')
          if (request >= 0 && (close < 0 || request < close)) {
            text = text.slice(request + 8)
            self.send(`<a xmlns='urn:xmpp:sm:3' h='${handled}'/>`)
            continue
          }
          if (close < 0) break
          const stanza = text.slice(0, close)
          text = text.slice(close + 10)
          handled++
          const found = idOf.exec(stanza)
          if (!found) continue
          const id = Number(found[1])
          if (id !== expected) failed ??= new Error(`message ${id} came where ${expected} was due`)
          expected++
          delivered++
          if (isRunning) say(self, other, `${tag}-${expected}`)
          else if (--open === 0) end()
        }
        // An answer to presence and the like ends before a message begins.
        if (text.length > 65_536) text = ''
      }
    }
    side(a, b)
    side(b, a)
    say(a, b, `${tag}-0`)
  }
}

function say(from: LoadClient, to: LoadClient, id: string): void {
  from.send(`<message to='${to.jid}' type='chat' id='${id}'><body>${words}</body></message>`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
