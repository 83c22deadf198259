/** A session by its number; it keeps the number for the whole run. */
export type SessionNumber = number

/** A message or an item as it is found where it is kept. */
export interface Entry {
  readonly id: string
  readonly body: string
  /** All that is left of a message that was retracted (XEP-0424 §4). */
  readonly isTombstone: boolean
}

/** Between two sessions, or from one to an account. */
type MessageEvent =
  | {
      readonly kind: 'sent'
      readonly session: SessionNumber
      readonly id: string
      readonly body: string
      /** The message that it takes back (XEP-0424). */
      readonly retracts?: string | undefined
      /** The sessions that must get it. */
      readonly to: readonly SessionNumber[]
      /** Those that must get a copy of it (XEP-0280). */
      readonly copies: readonly SessionNumber[]
      /** To a bare JID: it may have to wait until somebody is available. */
      readonly isToAccount: boolean
    }
  | ({ readonly kind: 'received'; readonly session: SessionNumber; readonly from: SessionNumber } & Entry)
  | ({ readonly kind: 'copied'; readonly session: SessionNumber } & Entry)

/** In rooms and at nodes; they are told apart by the name of the channel. */
type ChannelEvent =
  /** Something was said in a room or published at a node, for these sessions. */
  | {
      readonly kind: 'said'
      readonly session: SessionNumber
      readonly channel: string
      readonly id: string
      /** The nickname of who says it. */
      readonly by?: string | undefined
      readonly body: string
      readonly to: readonly SessionNumber[]
      /** What is taken back by it. */
      readonly retracts?: string | undefined
      /** It is only told: nobody finds it later. */
      readonly isPassing?: boolean
    }
  | {
      readonly kind: 'heard'
      readonly session: SessionNumber
      readonly channel: string
      readonly id: string
      readonly by?: string | undefined
      readonly body: string
    }
  /** The session was told that somebody has left the room, or has come who was there. */
  | { readonly kind: 'stirred'; readonly session: SessionNumber; readonly channel: string; readonly nick: string }

/**
 * A list: the members of a room, its occupants, those whom it lets in, the rooms of the service, the addresses that an account blocks.
 * Each is named by the word and who has it.
 */
type ListEvent = {
  readonly kind: 'listed'
  readonly session: SessionNumber
  readonly id: string
  readonly list: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Something is read; `due` is told when it is asked for, the rest under the same name when it is there. */
type ReadingEvent =
  | { readonly kind: 'due'; readonly reading: string }
  /** It had only to happen. */
  | { readonly kind: 'done'; readonly reading: string }
  /** All that the archive of the account with these sessions holds (XEP-0313). */
  | {
      readonly kind: 'archived'
      readonly reading: string
      readonly sessions: readonly SessionNumber[]
      readonly entries: readonly Entry[]
    }
  /** All that a room's archive or a node holds, in order. A node holds the newest so many, and nothing of what was taken back. */
  | {
      readonly kind: 'kept'
      readonly reading: string
      readonly channel: string
      readonly entries: readonly Entry[]
      readonly most?: number | undefined
    }
  | { readonly kind: 'list'; readonly reading: string; readonly list: string; readonly entries: readonly string[] }

/**
 * What happened, in the order in which it did; `at` in milliseconds. All but `killed` is seen from the clients' side: the checker knows nothing
 * that an application does not.
 */
export type TortureEvent = { readonly at: number } & (
  | MessageEvent
  | ChannelEvent
  | ListEvent
  | ReadingEvent
  | { readonly kind: 'befriended'; readonly session: SessionNumber; readonly contact: SessionNumber }
  /** The server has counted what was sent under this id as handled (XEP-0198 §4). */
  | { readonly kind: 'acknowledged'; readonly session: SessionNumber; readonly id: string }
  /** It came back as an error. */
  | { readonly kind: 'refused'; readonly session: SessionNumber; readonly id: string }
  /** The session broadcast presence with this status, or that it is unavailable. */
  | {
      readonly kind: 'announced'
      readonly session: SessionNumber
      readonly isAvailable: boolean
      readonly status: string
    }
  | {
      readonly kind: 'presence'
      readonly session: SessionNumber
      readonly from: SessionNumber
      readonly isAvailable: boolean
      readonly status: string
    }
  | { readonly kind: 'offline'; readonly session: SessionNumber; readonly why: 'lost' | 'cut' | 'silent' }
  /** `generation`: which server process the client has connected to. */
  | {
      readonly kind: 'online'
      readonly session: SessionNumber
      readonly how: 'bound' | 'resumed'
      readonly transport: string
      readonly generation: number
    }
  | { readonly kind: 'trouble'; readonly session: SessionNumber; readonly what: string }
  /** The server process of that generation was killed. */
  | { readonly kind: 'killed'; readonly generation: number }
)

/** An event as it is told; the time is put to it where it is recorded. */
export type Told = TortureEvent extends infer E ? (E extends TortureEvent ? Omit<E, 'at'> : never) : never

export type EventOf<K extends TortureEvent['kind']> = Extract<TortureEvent, { kind: K }>
