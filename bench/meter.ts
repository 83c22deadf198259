import { readFileSync } from 'node:fs'
import type { Peer } from './peers/peer.ts'

/** What was used between two moments. */
export interface Reading {
  /** Processor time of the server, microseconds. */
  readonly cpu: number
  /** Milliseconds. */
  readonly elapsed: number
  /** How busy the load was, 0 … 1: near 1, it is the load that was measured. */
  readonly load: number
  /** How long it waited for its processor, which others used, 0 … 1. */
  readonly wait: number
}

export class Meter {
  readonly #peer: Peer
  readonly #cpu: number
  readonly #time = performance.now()
  readonly #load = process.cpuUsage()
  readonly #waited = waited()

  constructor(peer: Peer) {
    this.#peer = peer
    this.#cpu = peer.process.cpu
  }

  read(): Reading {
    const elapsed = performance.now() - this.#time
    const { user, system } = process.cpuUsage(this.#load)
    const cpu = this.#peer.process.cpu - this.#cpu
    return { cpu, elapsed, load: (user + system) / (elapsed * 1000), wait: (waited() - this.#waited) / elapsed }
  }
}

/** For how long (ms) this thread has been ready to run and did not. */
function waited(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
}
