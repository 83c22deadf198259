/** How much of each work is done. Times are in seconds. */
export interface Sizes {
  /** Of the measured part of a work that goes on for a time, and how many turns it is done in. */
  readonly seconds: number
  readonly turns: number
  /** Of what precedes it so that compilers have done theirs; four times that where so much has not been done yet. */
  readonly warmUp: number
  readonly warmCount: number
  readonly pairs: number
  /** Messages a second, and pairs that send them. */
  readonly rate: number
  readonly ratePairs: number
  /** Users who all see one another's presence. */
  readonly contacts: number
  readonly pingers: number
  /** Occupants of the two rooms. */
  readonly rooms: readonly [number, number]
  /** Logins that are counted, after five times as many that are not. */
  readonly logins: number
  readonly idle: readonly [number, number]
  /** How long they have been idle when memory is looked at: servers give back then what a busy time needed. */
  readonly idleTime: number
  readonly archives: { readonly owners: number; readonly messages: number }
  readonly storm: number
  /** Pairs that talk while other things grow, and how many sessions there are. */
  readonly growthPairs: number
  readonly sessions: readonly [number, number, number]
  readonly few: Stored
  readonly many: Stored
}

/** What the database holds before the server starts. */
export interface Stored {
  readonly accounts: number
  readonly messages: number
}

export const full: Sizes = {
  seconds: 3,
  turns: 6,
  warmUp: 1,
  warmCount: 20_000,
  pairs: 500,
  rate: 1000,
  ratePairs: 100,
  contacts: 40,
  pingers: 500,
  rooms: [200, 1000],
  logins: 1000,
  idle: [5000, 15_000],
  idleTime: 125,
  archives: { owners: 20, messages: 500 },
  storm: 5000,
  growthPairs: 50,
  sessions: [100, 1000, 10_000],
  few: { accounts: 1000, messages: 100_000 },
  many: { accounts: 1_000_000, messages: 10_000_000 },
}

/** Whether everything works; the figures mean little. */
export const quick: Sizes = {
  seconds: 1,
  turns: 2,
  warmUp: 0.5,
  warmCount: 1000,
  pairs: 50,
  rate: 1000,
  ratePairs: 20,
  contacts: 10,
  pingers: 50,
  rooms: [20, 50],
  logins: 100,
  idle: [200, 400],
  idleTime: 0.5,
  archives: { owners: 5, messages: 100 },
  storm: 200,
  growthPairs: 10,
  sessions: [20, 100, 400],
  few: { accounts: 400, messages: 1000 },
  many: { accounts: 10_000, messages: 100_000 },
}

/** For the test: each work from its beginning to its end. */
export const tiny: Sizes = {
  ...quick,
  seconds: 0.2,
  warmUp: 0.1,
  warmCount: 1,
  pairs: 5,
  rate: 200,
  ratePairs: 5,
  contacts: 4,
  pingers: 5,
  rooms: [4, 8],
  logins: 10,
  idle: [10, 20],
  idleTime: 0.1,
  archives: { owners: 2, messages: 60 },
  storm: 20,
  growthPairs: 3,
  sessions: [6, 10, 20],
  few: { accounts: 20, messages: 100 },
  many: { accounts: 100, messages: 1000 },
}
