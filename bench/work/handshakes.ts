import { crowd } from '../load.ts'
import { Meter } from '../meter.ts'
import { tls } from '../wire.ts'
import type { Work } from './work.ts'

/** `time`: milliseconds for as many TLS handshakes as `storm` has sessions, by the same client; `cpu`: the server's for one. */
export function handshakes(name: string): Work {
  return {
    name,
    async run(peer, { storm }) {
      const meter = new Meter(peer)
      await meter.during(() => crowd(storm, 100, async () => void (await tls(peer.tlsPort)({ data() {}, gone() {} }))))
      const { cpu, elapsed, load, wait } = meter.read()
      return { time: elapsed, cpu: cpu / storm / 1000, load, wait }
    },
  }
}
