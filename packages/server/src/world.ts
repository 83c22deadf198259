/** What the server's logic may know of time and chance; handed in, so that a whole server runs on a virtual clock from one seed. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `act` once after `ms` milliseconds; returns what cancels it. */
  after(ms: number, act: () => void): () => void
  /** Calls `act` when the input of the present tick has been handled. */
  soon(act: () => void): void
}

export interface Random {
  /** `size` bytes fit for secrets. */
  bytes(size: number): Uint8Array
}

export type Awaitable<T> = T | Promise<T>

/** What JSON can say: the values that the journal, session records and stores keep. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
  soon: (act) => void setImmediate(act),
}

/** So many bytes are fetched at once: for the system to give few costs it as much. */
const fetched = 4096
let pool = new Uint8Array(0)
let used = 0

export const systemRandom: Random = {
  bytes(size) {
    if (size > fetched / 16) return crypto.getRandomValues(new Uint8Array(size))
    if (used + size > pool.length) {
      pool = crypto.getRandomValues(new Uint8Array(fetched))
      used = 0
    }
    const bytes = pool.slice(used, used + size)
    // What was given is nowhere else.
    pool.fill(0, used, used + size)
    used += size
    return bytes
  },
}
