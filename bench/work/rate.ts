import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { leaveAll, type Link, type LoadClient, loginMany } from '../load.ts'
import { Meter } from '../meter.ts'
import { pause } from '../processes.ts'
import { converse } from './chat.ts'
import { numberOf, saying } from './message.ts'
import { percentile } from './percentile.ts'
import type { Work } from './work.ts'

setFlagsFromString('--expose-gc')
/** Of the load: its own pauses are not to be counted. */
const collectGarbage = runInNewContext('gc') as () => void

/**
 * So many messages a second from half of the clients to the other half, whether or not earlier ones have arrived. `p50`, `p99`: milliseconds
 * from the write of a message to its arrival.
 */
export function rate(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes) {
      const clients = await loginMany(peer, 0, sizes.ratePairs * 2, link)
      // At this rate alone compilers would be at it for minutes.
      await converse(peer, clients, sizes)
      const flows = clients.flatMap((from, i) => (i % 2 === 0 ? [new Flow(from, clients[i + 1]!)] : []))
      await send(flows, sizes.rate, sizes.warmUp)
      for (const flow of flows) await flow.end()
      await peer.othersTurns()
      const meter = new Meter(peer)
      const before = flows.map(({ latencies }) => latencies.length)
      for (let turn = 0; turn < sizes.turns; turn++) {
        collectGarbage()
        await meter.during(async () => {
          await send(flows, sizes.rate, sizes.seconds / sizes.turns)
          for (const flow of flows) await flow.end()
        })
        await peer.othersTurns()
      }
      const { cpu, load, wait } = meter.read()
      const latencies = flows.flatMap((flow, i) => flow.latencies.slice(before[i]))
      for (const client of clients) await client.settle()
      await leaveAll(clients)
      const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
      return { p50, p99, cpu: cpu / latencies.length, load, wait }
    },
  }
}

/** Messages from one client to another. */
class Flow {
  readonly latencies: number[] = []
  readonly #from: LoadClient
  readonly #to: LoadClient
  readonly #sent: number[] = []

  constructor(from: LoadClient, to: LoadClient) {
    this.#from = from
    this.#to = to
    from.listen(() => {})
    to.listen((stanza) => {
      const number = numberOf(stanza)
      // In order, or it never ends.
      if (number === this.latencies.length) this.latencies.push(performance.now() - this.#sent[number]!)
    })
  }

  send(): void {
    this.#from.say(saying(this.#to.jid, this.#sent.length))
    this.#sent.push(performance.now())
  }

  /** Resolves when all that was sent has arrived. */
  async end(): Promise<void> {
    const patience = performance.now() + 60_000
    while (this.latencies.length < this.#sent.length) {
      const missing = `message ${this.latencies.length} of ${this.#sent.length} to ${this.#to.jid} did not arrive in its turn`
      if (performance.now() > patience) throw new Error(missing)
      await pause(5)
    }
  }
}

/** Lets the flows send in turn, so many messages a second together. */
async function send(flows: readonly Flow[], perSecond: number, seconds: number): Promise<void> {
  const start = performance.now()
  for (let count = 0; count < perSecond * seconds; await pause(1)) {
    const due = Math.min(perSecond * seconds, ((performance.now() - start) / 1000) * perSecond)
    for (; count < due; count++) flows[count % flows.length]!.send()
  }
}
