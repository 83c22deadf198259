import type { Peer } from '../peers/peer.ts'
import type { Sizes } from '../sizes.ts'

/** What is done with a server, and counted. It throws when the server did not do what it was asked. */
export interface Work {
  /** As in `--only`, which also takes what precedes a dash for all that begin so. */
  readonly name: string
  run(peer: Peer, sizes: Sizes): Promise<Figures>
}

/** By name; the names of figures are in goals.ts. `load`, `wait`: of the load, see Reading. */
export type Figures = Readonly<Record<string, number>>
