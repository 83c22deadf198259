import type { Peer } from './peers/peer.ts'

/** What was used between two moments. */
export interface Reading {
  /** Processor time of the server, microseconds. */
  readonly cpu: number
  /** Milliseconds. */
  readonly elapsed: number
  /** How busy the load's own processor was, 0 … 1: near 1, it is the load that was measured. */
  readonly load: number
}

export class Meter {
  readonly #peer: Peer
  readonly #cpu: number
  readonly #time = performance.now()
  readonly #load = process.cpuUsage()

  constructor(peer: Peer) {
    this.#peer = peer
    this.#cpu = peer.process.cpu
  }

  read(): Reading {
    const elapsed = performance.now() - this.#time
    const { user, system } = process.cpuUsage(this.#load)
    return { cpu: this.#peer.process.cpu - this.#cpu, elapsed, load: (user + system) / (elapsed * 1000) }
  }
}
