/** A session by its number; it keeps the number for the whole run. */
export type SessionNumber = number

/**
 * What happened, in the order in which it did; `at` in milliseconds. All but `killed` is seen from the clients' side: the checker knows nothing
 * that an application does not.
 */
export type TortureEvent = { readonly at: number } & (
  | { readonly kind: 'befriended'; readonly session: SessionNumber; readonly contact: SessionNumber }
  | {
      readonly kind: 'sent'
      readonly session: SessionNumber
      readonly id: string
      /** The sessions that must get it. */
      readonly to: readonly SessionNumber[]
      /** Those that must get a copy of it (XEP-0280). */
      readonly copies: readonly SessionNumber[]
      /** To a bare JID: it may have to wait until somebody is available. */
      readonly isToAccount: boolean
    }
  /** The server has counted the message as handled (XEP-0198 §4). */
  | { readonly kind: 'acknowledged'; readonly session: SessionNumber; readonly id: string }
  | { readonly kind: 'received'; readonly session: SessionNumber; readonly from: SessionNumber; readonly id: string }
  | { readonly kind: 'copied'; readonly session: SessionNumber; readonly id: string }
  /** The message came back as an error. */
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
  /** All that the archive of the account with these sessions holds (XEP-0313). */
  | { readonly kind: 'archived'; readonly sessions: readonly SessionNumber[]; readonly ids: readonly string[] }
  /** Something was said in a room or published at a node, for these sessions. */
  | {
      readonly kind: 'said'
      readonly session: SessionNumber
      readonly channel: string
      readonly id: string
      readonly to: readonly SessionNumber[]
    }
  | { readonly kind: 'heard'; readonly session: SessionNumber; readonly channel: string; readonly id: string }
  /** The session was told that somebody has left the room, or has come who was there. */
  | { readonly kind: 'stirred'; readonly session: SessionNumber; readonly channel: string; readonly nick: string }
  | {
      readonly kind: 'granted'
      readonly session: SessionNumber
      readonly channel: string
      readonly id: string
      readonly jid: string
      readonly affiliation: 'member' | 'none'
    }
  /** All that a room's archive or a node holds in the end, in order. */
  | { readonly kind: 'kept'; readonly channel: string; readonly ids: readonly string[] }
  /** Who belongs to a room and who is in it in the end; and who has been in it all the time. */
  | {
      readonly kind: 'room'
      readonly channel: string
      readonly members: readonly string[]
      readonly occupants: readonly string[]
      readonly inside: readonly string[]
    }
  /** In the end this is to be read: `archive …`, `kept …` or `room …`, as `readingOf` names what was. */
  | { readonly kind: 'due'; readonly reading: string }
  | { readonly kind: 'trouble'; readonly session: SessionNumber; readonly what: string }
  /** The server process of that generation was killed. */
  | { readonly kind: 'killed'; readonly generation: number }
)

/** An event as it is told; the time is put to it where it is recorded. */
export type Told = TortureEvent extends infer E ? (E extends TortureEvent ? Omit<E, 'at'> : never) : never

/** What an event of the end has read. */
export function readingOf(event: TortureEvent): string | undefined {
  if (event.kind === 'archived') return `archive ${event.sessions.join(' ')}`
  return event.kind === 'kept' || event.kind === 'room' ? `${event.kind} ${event.channel}` : undefined
}
