import {
  hasHint,
  isMessage,
  type Jid,
  type Message,
  messageType,
  parse,
  Stanza,
  StanzaError,
  unlimited,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, log, type Passage } from '../module.ts'
import type { LogQuery, LogStore } from '../storage/storage.ts'
import type { Awaitable } from '../world.ts'
import { exported, exportedMessage, exportQuery, logQuery } from './archive-export.ts'
import { address } from './rest-api/schemas.ts'

/** Whether what an account exchanges with somebody is kept. */
export type ArchivePolicy = (account: Jid, other: Jid) => Awaitable<boolean>

/** The one log of an account's messages: its archive, and what waits for it. */
export interface Archive {
  /** Owned by bare JIDs; the values are stanzas as XML. An entry that has no `with` only waits, it is no part of the archive. */
  readonly log: LogStore<string>
  /** Whether messages are found by their words. */
  readonly isSearchable: boolean
  /** Keeps the message that passes in the archive of an account of this host; `other` is who the account talks with. Returns its id. */
  readonly keep: (passage: Passage<Message>, account: Jid, other: Jid) => string
  /** The id under which the message that passes has just been kept. */
  readonly idOf: (passage: Passage<Message>) => string | undefined
  /** Whether what the account exchanges with the other is kept: whatever `restrict` was told; without that, everything. */
  readonly allows: ArchivePolicy
  /** Returns what takes the policy back. */
  readonly restrict: (by: ArchivePolicy) => () => void
  /** Takes messages out of an account's archive; returns how many. */
  readonly trim: (account: string, query: LogQuery) => Promise<number>
  /** Is told whose archive has lost messages. Returns what ends that. */
  readonly onLost: (listener: (account: string) => void) => () => void
  /** To be called when messages of an archive were replaced by what is empty. */
  readonly lost: (account: string) => void
}

/** Keeps the log that `mam` lets accounts read and on which `offline` lets messages wait: either works without the other. */
export const archive = defineModule({
  name: 'archive',
  stores: { messages: log<string>() },
  config: z.object({
    fullText: z
      .boolean()
      .default(false)
      .describe(
        'Whether messages that come from now on, in rooms too, can be searched by their words (XEP-0431); the thread of the database then works half as much again for each.',
      ),
  }),
  start(host): Archive {
    const { messages } = host.stores
    const isSearchable = host.config.fullText
    const everything: ArchivePolicy = () => true
    let policy = everything
    const lostListeners = new Set<(account: string) => void>()
    // The copies of a message are made right after it was kept: to remember one is enough.
    let last: Passage<Message> | undefined
    let lastId = ''
    let rendered: Message | undefined
    let text = ''
    const kept = host.metrics.counter('jackdaw_archive_messages_total', 'Messages kept in archives of accounts')

    host.endpoint({
      method: 'get',
      path: '/accounts/{account}/archive',
      scope: 'archive:read',
      summary: 'Export the archive of an account',
      params: z.strictObject({ account: address }),
      query: exportQuery,
      answer: {
        status: 200,
        description: 'A message a line, the oldest first.',
        schema: exportedMessage,
        type: 'application/x-ndjson',
      },
      async handle({ params: { account }, query, signal, record }) {
        if (!(await host.accounts.isHere(account)))
          throw new StanzaError('item-not-found', `There is no account ${account}`)
        const response = await exported(messages, account.toString(), logQuery(query), signal)
        record('exported the archive of', account.toString())
        return response
      },
    })

    const lost = (account: string) => {
      for (const listener of lostListeners) listener(account)
    }
    return {
      log: messages,
      isSearchable,
      keep(passage, account, other) {
        const at = host.clock.now()
        // The archives of both sides mostly keep the same.
        if (rendered !== passage.stanza) text = passage.stanza.toString()
        rendered = passage.stanza
        last = passage
        lastId = messages.append(account.toString(), {
          value: text,
          at,
          with: other.bare.toString(),
          isSearchable,
        })
        kept.inc()
        host.tell('message:kept', { account, other, id: lastId, at, message: passage.stanza })
        return lastId
      },
      idOf: (passage) => (passage === last ? lastId : undefined),
      allows: (account, other) => policy(account, other),
      restrict(by) {
        policy = by
        return () => void (policy = everything)
      },
      async trim(account, query) {
        const count = await messages.trim(account, query)
        if (count > 0) lost(account)
        return count
      },
      onLost(listener) {
        lostListeners.add(listener)
        return () => void lostListeners.delete(listener)
      },
      lost,
    }
  },
})

/** The message that an entry holds. */
export function messageOf(entry: { readonly value: string }): Message {
  const stanza = Stanza.from(parse(entry.value, unlimited))
  if (!isMessage(stanza)) throw new TypeError(`an archive holds a ${stanza.name}`)
  return stanza
}

/**
 * RFC 6121 §8.5, XEP-0160 §3: whether an account takes the message though none of its resources does. One for a resource that is
 * not there is refused unless it is part of a chat, and then the account is meant.
 */
export function isForAccount(stanza: Message): boolean {
  switch (messageType(stanza)) {
    case 'chat':
      return true
    case 'normal':
      return isToAccount(stanza)
    case 'headline':
      return isToAccount(stanza) && hasHint(stanza, 'store')
    default:
      return false
  }
}

function isToAccount({ to }: Message): boolean {
  return to === undefined || to.isBare
}
