import type { Measured } from '../processes.ts'

export interface PeerOptions {
  readonly data: string
  readonly key: string
  readonly cert: string
  readonly core: number
  /** Archive, carbons and stream management on, or all of them off. */
  readonly hasFeatures: boolean
  /** Accounts u0, u1 … with the password of `password`. */
  readonly accounts: number
}

/** A server that is measured, running, with its accounts. */
export interface Peer {
  readonly process: Measured
  readonly port: number
  readonly tlsPort: number
}

export type StartPeer = (options: PeerOptions) => Promise<Peer>

export const password = 'the wine is red'
