import type { Extra, Kind } from './peers/peer.ts'
import { ejabberd } from './peers/ejabberd.ts'
import { jackdaw } from './peers/jackdaw.ts'
import { prosody } from './peers/prosody.ts'
import { relay } from './peers/relay.ts'
import type { Sizes, Stored } from './sizes.ts'
import { archive } from './work/archive.ts'
import { chat } from './work/chat.ts'
import { growingSessions, stored } from './work/growth.ts'
import { handshakes } from './work/handshakes.ts'
import { idle } from './work/idle.ts'
import { logins } from './work/logins.ts'
import { pages } from './work/pages.ts'
import { pep } from './work/pep.ts'
import { ping } from './work/ping.ts'
import { presence } from './work/presence.ts'
import { room } from './work/rooms.ts'
import { rate } from './work/rate.ts'
import { start } from './work/start.ts'
import { storm } from './work/storm.ts'
import type { Work } from './work/work.ts'

/** Works that a process of each server does, one after the other, all servers in turns. */
export interface Stage {
  readonly servers: readonly Kind[]
  readonly hasFeatures: boolean
  readonly extra?: Extra
  /** In the first run only: what takes long, and hardly varies. */
  readonly isOnce?: boolean
  /** Name of the data that all runs share, because it takes long to make. */
  readonly data?: string
  stored(sizes: Sizes): Stored
  readonly works: readonly Work[]
}

const all = [jackdaw, prosody, ejabberd]
const plain = { isTls: false, hasFeatures: false }
const secure = { isTls: true, hasFeatures: false }
const plainFull = { isTls: false, hasFeatures: true }
const secureFull = { isTls: true, hasFeatures: true }
const talkers = (sizes: Sizes) =>
  accounts(Math.max(sizes.pairs * 2 + sizes.archives.owners * 2, sizes.logins, sizes.pingers))
const accounts = (count: number): Stored => ({ accounts: count, messages: 0 })

const alone: Stage = {
  servers: [relay],
  hasFeatures: false,
  stored: () => accounts(0),
  works: [handshakes('handshakes')],
}

export const stages: readonly Stage[] = [
  {
    servers: [relay, ...all],
    hasFeatures: false,
    stored: talkers,
    works: [chat('chat-plain', plain), chat('chat-tls', secure)],
  },
  {
    servers: all,
    hasFeatures: false,
    stored: talkers,
    works: [
      rate('rate-plain', plain),
      presence('presence', plain),
      ping('ping', plain),
      logins('login-plain', plain),
      logins('login-tls', secure),
    ],
  },
  {
    servers: all,
    hasFeatures: true,
    stored: talkers,
    works: [
      chat('chat-full-plain', plainFull),
      chat('chat-full-tls', secureFull),
      rate('rate-full', plainFull),
      pages('pages'),
    ],
  },
  {
    // From ejabberd 23.01, as it is set up here, not all of them come: there is nothing to compare.
    servers: [jackdaw, prosody],
    hasFeatures: false,
    extra: 'pep',
    stored: ({ contacts }) => accounts(contacts),
    works: [pep('pep', plain)],
  },
  ...[plain, plainFull].map((link) => ({
    servers: all,
    hasFeatures: link.hasFeatures,
    extra: 'rooms' as const,
    stored: ({ rooms }: Sizes) => accounts(rooms[1]),
    works: ([0, 1] as const).map((which) =>
      room(`room-${link.hasFeatures ? 'full-' : ''}${which === 0 ? 'small' : 'large'}`, link, which),
    ),
  })),
  ...[idle('idle-plain', plain), idle('idle-tls', secure)].map((work) => ({
    servers: all,
    hasFeatures: false,
    isOnce: true,
    stored: (sizes: Sizes) => accounts(sizes.idle[1]),
    works: [work],
  })),
  // The machine's speed changes: handshakes before the storm and after it.
  alone,
  {
    servers: [jackdaw],
    hasFeatures: true,
    stored: ({ storm: count }) => accounts(count),
    works: [storm('storm')],
  },
  alone,
  {
    servers: [jackdaw],
    hasFeatures: false,
    stored: ({ sessions }) => accounts(sessions[2]),
    works: [growingSessions('growth-sessions', plain)],
  },
  ...(['few', 'many'] as const).map((amount) => ({
    servers: [jackdaw],
    hasFeatures: true,
    extra: 'search' as const,
    isOnce: true,
    data: amount,
    stored: (sizes: Sizes) => sizes[amount],
    works: [archive(`archive-${amount}`, amount)],
  })),
  ...(['few', 'many'] as const).flatMap((amount) =>
    [false, true].map((hasFeatures) => ({
      servers: [jackdaw],
      hasFeatures,
      data: amount,
      stored: (sizes: Sizes) => sizes[amount],
      works: hasFeatures
        ? [stored(`growth-messages-${amount}`, plainFull), ...(amount === 'many' ? [start('start')] : [])]
        : [stored(`growth-accounts-${amount}`, plain)],
    })),
  ),
]
