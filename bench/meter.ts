import { readFileSync } from 'node:fs'
import type { Peer } from './peers/peer.ts'

/** What was used. */
export interface Reading {
  /** Processor time of the server, microseconds: also between its turns, when it ends what it has put off. */
  readonly cpu: number
  /** Milliseconds of its turns. */
  readonly elapsed: number
  /** How busy the load was in them, 0 … 1: near 1, it is the load that was measured. */
  readonly load: number
  /** How long it waited for its processor, which others used, 0 … 1. */
  readonly wait: number
}

/** Counts from the moment it is made. */
export class Meter {
  readonly #peer: Peer
  readonly #cpu: number
  #elapsed = 0
  #load = 0
  #wait = 0

  constructor(peer: Peer) {
    this.#peer = peer
    this.#cpu = peer.process.cpu
  }

  /** What is done now belongs to the server's turns. */
  async during<T>(turn: () => Promise<T>): Promise<T> {
    const time = performance.now()
    const before = process.cpuUsage()
    const waitedBefore = waited()
    const result = await turn()
    const { user, system } = process.cpuUsage(before)
    this.#elapsed += performance.now() - time
    this.#load += (user + system) / 1000
    this.#wait += waited() - waitedBefore
    return result
  }

  read(): Reading {
    const cpu = this.#peer.process.cpu - this.#cpu
    const elapsed = this.#elapsed
    return { cpu, elapsed, load: this.#load / elapsed, wait: this.#wait / elapsed }
  }
}

/** For how long (ms) this thread has been ready to run and did not. */
function waited(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
}
