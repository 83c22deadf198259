import type { Awaitable, Json } from '../world.ts'

/** Roster, credentials, preferences …: values under a key, of an owner. Removing an owner drops its values in every store. */
export interface MapStore<T extends Json> {
  get(owner: string, key: string): Awaitable<T | undefined>
  all(owner: string): Awaitable<ReadonlyMap<string, T>>
  /** The reverse question: who has this key? In the order of the owners' names; those behind the name `after`, if one is given. */
  owners(key: string, after?: string): AsyncIterable<readonly [owner: string, value: T]>
  /** Replaces a value by what `change` makes of it, atomically; undefined removes. Returns the new value. */
  edit(owner: string, key: string, change: (old?: T) => T | undefined): Awaitable<T | undefined>
  /** Keeps a value whatever was there, which is not read. */
  put(owner: string, key: string, value: T): void
}

export interface LogEntry<T extends Json> {
  /** Unique in the whole storage and growing: a later entry of any owner has a greater id (compared as strings). */
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** The bare JID of the other side, where there is one. */
  readonly with?: string
  readonly value: T
  /** Still waits to be handed to its owner (offline storage); cleared by `settle`. */
  readonly isPending: boolean
}

export interface LogQuery {
  readonly with?: string
  /** Not before, milliseconds. */
  readonly start?: number
  /** Not after, milliseconds. */
  readonly end?: number
  /** Only entries behind (before) this id, the id itself left out. */
  readonly after?: string
  readonly before?: string
  readonly ids?: readonly string[]
  readonly isPending?: true
  /** Only searchable entries in which all of these words stand, in whatever case and with whatever accents. */
  readonly text?: string
  /** At most this many: the first ones, or the last ones when `fromEnd`; always returned in ascending order. */
  readonly max?: number
  readonly fromEnd?: boolean
  /** A page ends before the entry that would bring its values beyond so many bytes; it has one entry at least. */
  readonly maxBytes?: number
  /**
   * Also count all that match but for `after`, `before` and `max`, and find the index of the first of the page among them; unless they
   * are more than this: to count takes as long as they are many.
   */
  readonly count?: number
}

/** The last entry of those that have the same `with`. */
export interface Latest {
  readonly with: string
  readonly id: string
  readonly at: number
}

export interface Page<T extends Json> {
  readonly entries: readonly LogEntry<T>[]
  /** Nothing that matches lies beyond this page in the direction of paging. */
  readonly isComplete: boolean
  readonly count?: number
  readonly index?: number
}

/** Archives, offline messages, published items: entries in the order of their ids, of an owner. */
export interface LogStore<T extends Json> {
  /** Keeps an entry with the next id. A `transient` one is for waiting only: pages do not show it unless asked for what is pending, and `settle` removes it. */
  append(
    owner: string,
    entry: {
      value: T
      at: number
      with?: string
      isPending?: boolean
      isTransient?: boolean
      /** The value is XML of which the text of `<body>` can be searched. */
      isSearchable?: boolean
    },
  ): string
  /** Sees every entry appended before the call. An unknown id in `after`, `before` or `ids` throws an UnknownIdError. */
  page(owner: string, query: LogQuery): Awaitable<Page<T>>
  /** The last entry with each of the others, in an order that stays: of those behind `after` at most `max`. Reads no values. */
  latest(owner: string, max: number, after?: string): Awaitable<readonly Latest[]>
  /** Makes entries wait for their owner (an unacknowledged delivery that failed). */
  suspend(owner: string, ids: readonly string[]): void
  /** Ends the waiting of entries: they have been handed over. */
  settle(owner: string, ids: readonly string[]): void
  /** Puts another value in place of an entry's own; the rest of it stays. An entry that is not there is none of its business. */
  replace(owner: string, id: string, value: T): void
  /** Who has entries that pages show, each once: those at the time of the call. */
  owners(): AsyncIterable<string>
  /** How many entries wait for their owner. */
  pending(owner: string): Awaitable<number>
  /** Removes what matches, whatever its bytes; returns how many. */
  trim(owner: string, query: LogQuery): Awaitable<number>
}

export class UnknownIdError extends Error {
  readonly id: string
  constructor(id: string) {
    super(`no entry ${id}`)
    this.name = 'UnknownIdError'
    this.id = id
  }
}

/** The storage cannot be opened or went away; the message says in plain words what is wrong and how to mend it. */
export class StorageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StorageError'
  }
}

/** All the stores of one server. A store's name is `domain/module/store` or the like: unique, and kept for ever. */
export interface Storage {
  map<T extends Json>(name: string): MapStore<T>
  log<T extends Json>(name: string): LogStore<T>
  /** Removes all that the owner has in stores whose name starts with `prefix`. */
  drop(prefix: string, owner: string): void
  /** Resolves when every effect appended before the call can be read from the database. */
  settled(): Promise<void>
  close(): Promise<void>
}
