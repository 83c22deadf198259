import { crowd } from '../load.ts'
import { tls } from '../wire.ts'
import type { Work } from './work.ts'

/** `time`: milliseconds for as many TLS handshakes as `storm` has sessions, by the same client. */
export function handshakes(name: string): Work {
  return {
    name,
    async run(peer, { storm }) {
      const from = performance.now()
      await crowd(storm, 100, async () => void (await tls(peer.tlsPort)({ data() {}, gone() {} })))
      return { time: performance.now() - from }
    },
  }
}
