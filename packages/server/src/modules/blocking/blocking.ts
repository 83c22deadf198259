import {
  Block,
  blockedError,
  type BlockItem,
  blockingNs,
  Blocklist,
  iq,
  Jid,
  type Message,
  messageType,
  mucUserNs,
  type Payload,
  presence as presenceOf,
  type Stanza,
  StanzaError,
  Unblock,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, type IqRequest, type Passage } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { sendPresence, sendUnavailable } from '../presence/available.ts'
import { presence as presenceModule } from '../presence/presence.ts'
import { isSubscribedTo, isSubscriber } from '../roster/contact.ts'
import { roster as rosterModule } from '../roster/roster.ts'
import type { Roster } from '../roster/rosters.ts'
import { type BlockedBy, blocklists } from './blocklists.ts'

/** Where a session's record says that it has asked for the block list, and so is told of changes. */
const key = 'blocklist'

/** An account that has just blocked somebody. */
export interface Blocking {
  readonly account: Jid
  readonly item: BlockItem
}

/** Nothing reaches an account from whom it blocks, nor them from it. */
export const blocking = defineModule({
  name: 'blocking',
  xeps: ['XEP-0191 1.3'],
  needs: [blocklists, rosterModule, presenceModule],
  features: { server: [blockingNs] },
  config: z.object({
    entries: z.int().min(1).default(5000).describe('Most entries in the block list of one account.'),
  }),
  start(host) {
    const lists = host.use(blocklists)
    const { rosters } = host.use(rosterModule)
    const { withdraw } = host.use(presenceModule)
    const listeners = new Set<(blocking: Blocking) => void>()
    let lastPush = 0
    const blocked = host.metrics.counter('jackdaw_blocked_stanzas_total', 'Stanzas that came from who is blocked')

    for (const kind of ['message', 'presence', 'iq'] as const) {
      host.hook(`${kind}:out` as 'message:out', 'check', ({ stanza: { from, to } }) => {
        if (!to) return
        const list = lists.of(from!.bare)
        return list instanceof Promise ? list.then((read) => checkOut(read, to)) : checkOut(list, to)
      })
      host.hook(`${kind}:in` as 'message:in', 'check', (passage) => {
        const { stanza } = passage
        const account = (stanza.to ?? stanza.from!).bare
        if (account.local === undefined) return
        const list = lists.of(account)
        return list instanceof Promise
          ? list.then((read) => checkIn(read, passage, blocked))
          : checkIn(list, passage, blocked)
      })
    }

    // §3.3, outbound: what the server says on behalf of an account, such as news of its nodes (XEP-0163).
    host.hook('message:in', 'check', ({ stanza: { from, to, type }, sender }) => {
      if (sender || type === 'error' || !to || !from?.isBare || !isAccount(from)) return
      return when(lists.of(from), (list) => (list.blocks(to) ? 'stop' : undefined))
    })

    // §3.2
    host.answer('get', 'account', Blocklist, (request) =>
      withOwn(request, (list) => {
        request.sender!.set(key, true)
        return Blocklist.write([...list.entries].map((jid) => ({ jid: Jid.parse(jid) })))
      }),
    )

    // §3.3
    host.answer('set', 'account', Block, (request) =>
      withOwn(request, (list, roster) => {
        const items = request.payload
        const added = new Map(items.map(({ jid }) => [jid.toString(), jid]))
        for (const known of list.entries) added.delete(known)
        if (list.entries.size + added.size > host.config.entries)
          throw new StanzaError('resource-constraint', 'The block list is full')
        apply(roster, list, lists.change(list, [...added.values()], []), [...added.values()])
        push(list.account, Block, items)
        for (const item of items) for (const listener of listeners) listener({ account: list.account, item })
      }),
    )

    // §3.4, §3.5
    host.answer('set', 'account', Unblock, (request) =>
      withOwn(request, (list, roster) => {
        const items = request.payload
        const named = items.length > 0 ? items.map(({ jid }) => jid.toString()) : [...list.entries]
        const removed = named.filter((jid) => list.entries.has(jid))
        apply(roster, list, lists.change(list, [], removed), removed.map(Jid.parse))
        push(list.account, Unblock, items)
      }),
    )

    function isAccount({ local, domain }: Jid): boolean {
      return local !== undefined && domain === host.domain.domain
    }

    /** Reads the asking account's list and roster. The same answer for an account that does not exist. */
    function withOwn<T, R>({ sender, isOwn, to }: IqRequest<T>, act: (list: BlockedBy, roster: Roster) => R) {
      if (!isOwn || !sender) throw new StanzaError('service-unavailable')
      return when(lists.of(to), (list) => when(rosters.of(to), (roster) => act(list, roster)))
    }

    /** Those who see the account's presence see it leave when they are blocked, and come back after that. */
    function apply(roster: Roster, before: BlockedBy, after: BlockedBy, entries: readonly Jid[]): void {
      const { account } = before
      const turns = (jid: Jid) => before.blocks(jid) !== after.blocks(jid)
      for (const [contact, state] of roster.contacts) {
        const jid = Jid.parse(contact)
        if (!turns(jid)) continue
        if (isSubscriber(state)) show(account, jid, !after.blocks(jid))
        // What it told meanwhile was dropped.
        if (isSubscribedTo(state) && !after.blocks(jid)) probe(account, jid)
      }
      for (const jid of entries)
        if (!jid.isBare && turns(jid) && roster.isSubscribed(jid)) show(account, jid, !after.blocks(jid))
      for (const session of host.sessions(account)) withdraw(session, (to) => turns(to) && after.blocks(to))
    }

    function show(account: Jid, to: Jid, isShown: boolean): void {
      if (isShown) sendPresence(host, account, to)
      else sendUnavailable(host, account, to)
    }

    function probe(account: Jid, to: Jid): void {
      for (const { jid, isAvailable } of host.sessions(account))
        if (isAvailable) host.send(presenceOf({ from: jid, to, type: 'probe' }))
    }

    function push(account: Jid, payload: Payload<readonly BlockItem[]>, items: readonly BlockItem[]): void {
      const told = payload.write(items.map(({ jid }) => ({ jid })))
      for (const session of host.sessions(account))
        if (session.get(key)) session.deliver(iq({ to: session.jid, type: 'set', id: `block-${++lastPush}` }, told))
    }

    return {
      /** Calls back when an account has blocked somebody; returns what ends that. */
      onBlock(listener: (blocking: Blocking) => void): () => void {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
  },
})

/** §3.3, outbound. */
function checkOut(list: BlockedBy, to: Jid): void {
  if (list.blocks(to)) throw blockedError()
}

/** §3.3, inbound: who is blocked sees an account that is offline. */
function checkIn(list: BlockedBy, { stanza }: Passage, blocked: { inc(): void }): Awaitable<'stop' | void> {
  if (list.entries.size === 0) return
  if (!list.blocks(stanza.from!)) return isInvitation(list, stanza) ? 'stop' : undefined
  blocked.inc()
  switch (stanza.name) {
    case 'presence':
      return 'stop'
    case 'iq':
      if (stanza.type === 'result' || stanza.type === 'error') return 'stop'
      break
    case 'message': {
      const type = messageType(stanza as Message)
      // A room would take the error for the account's leaving; headlines and errors are never answered (RFC 6121 §8.5).
      if (type === 'groupchat' || type === 'headline' || type === 'error') return 'stop'
    }
  }
  throw new StanzaError('service-unavailable')
}

/** Whether a room passes on the invitation of somebody who is blocked (XEP-0045 §7.8.2). */
function isInvitation(list: BlockedBy, stanza: Stanza): boolean {
  if (stanza.name !== 'message') return false
  const from = stanza.child('x', mucUserNs)?.child('invite')?.attr('from')
  if (from === undefined) return false
  try {
    return list.blocks(Jid.parse(from))
  } catch {
    return false
  }
}
