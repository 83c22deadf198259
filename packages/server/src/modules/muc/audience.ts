import type { Jid } from '@jackdaw/xmpp'
import { isReadable } from './archive.ts'
import type { Room } from './room.ts'

/** Who is concerned by what is said in a room. */
export interface Audience {
  /** Only members may enter. */
  readonly isPrivate: boolean
  /** Its members and more: users, or whole domains. */
  members(): Iterable<Jid>
  /** Whether the user may read what was said. */
  mayRead(user: Jid): boolean
  /** Whether a session is in the room. */
  has(session: Jid): boolean
  /** Under which nickname others know the user: the one it has, or the one that is reserved for it. */
  nickOf(user: Jid): string | undefined
}

export function audienceOf(room: Room): Audience {
  const { affiliations, occupants, config } = room
  return {
    isPrivate: config.isMembersOnly,
    *members() {
      for (const affiliation of ['owner', 'admin', 'member'] as const)
        for (const [jid] of affiliations.list(affiliation)) yield jid
    },
    mayRead: (user) =>
      isReadable(room, affiliations.of(user), !occupants.ofAccount(user)[Symbol.iterator]().next().done),
    has: (session) => occupants.of(session) !== undefined,
    nickOf(user) {
      for (const { nick } of occupants.ofAccount(user)) return nick
      return affiliations.get(user).nick
    },
  }
}
