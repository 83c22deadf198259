import type { TrimOutcome } from './applier.ts'

/** Of `numbers`: the last batch committed, and the last that somebody waits for. */
export const COMMITTED = 0
export const WANTED = 1

/** Of `signals`: counts that grow when something was committed, when somebody begins to wait, when the worker is to end. */
export const SIGNAL = 0
export const URGENT = 1
export const CLOSING = 2

/** What the server's thread tells the worker: memory, because a message a tick would cost more than the tick. */
export interface SharedState {
  readonly numbers: BigInt64Array<SharedArrayBuffer>
  readonly signals: Int32Array<SharedArrayBuffer>
}

export interface WorkerData {
  readonly path: string
  readonly folder: string
  readonly durability: 'process' | 'power'
  readonly state: SharedState
}

/** What the worker tells: how far it is, or what hinders it. */
export type FollowerReport =
  | { readonly cursor: number; readonly safeCursor: number; readonly trims: readonly TrimOutcome[] }
  | { readonly trouble: string }

export function sharedState(): SharedState {
  return {
    numbers: new BigInt64Array(new SharedArrayBuffer(16)),
    signals: new Int32Array(new SharedArrayBuffer(12)),
  }
}
