import { Jid, type Presence, pubsubFeature, PubsubOwnerRequest, PubsubRequest, StanzaError } from '@jackdaw/xmpp'
import type { Host, Target } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { unknownFeatures, withoutAllButCaps } from '../known-caps.ts'
import { isSubscribedTo, isSubscriber } from '../roster/contact.ts'
import type { Roster, RosterChange, Rosters } from '../roster/rosters.ts'
import { refusal, type Relation } from './access.ts'
import { approvalIn, decide } from './approval.ts'
import { features as common } from './discovery.ts'
import type { Engine, RelationOf } from './engine.ts'
import { interestsOf, isInterested } from './interests.ts'
import { accountDefaults } from './node-config.ts'
import { sendLast } from './notify.ts'
import { make, recalculate } from './own.ts'
import { answer, answerOwner, type Rules } from './requests.ts'

/** What the features of an entity are, as far as is known at once (the API of known-caps). */
export type FeaturesOf = (jid: Jid, presence: Presence) => ReadonlySet<string>

export const accountFeatures = [
  ...common,
  ...[
    'access-presence',
    'auto-create',
    'auto-subscribe',
    'filtered-notifications',
    'presence-subscribe',
    'pubsub-on-a-jid',
  ].map(pubsubFeature),
]

/** Where a session's record keeps the nodes of which it has got the last items. */
const greetedKey = 'interests'

function greetedOf(session: Target): readonly string[] {
  return session.get<readonly string[]>(greetedKey) ?? []
}

/** Most entities whose presence is remembered for one account. */
const mostPresent = 1000

interface Here {
  readonly presence: Presence
  /** The nodes of which it has got the last items. */
  greeted: readonly string[]
}

/** Those who are not of this host, or have not subscribed to an account's presence, and have sent it theirs: by the account, then by full JID. */
export class Present {
  readonly #all = new Map<string, Map<string, Here>>()

  /** Returns whether there is a place for it. */
  comes(account: Jid, presence: Presence): boolean {
    const key = account.toString()
    const those = this.#all.get(key) ?? new Map<string, Here>()
    const from = presence.from!.toString()
    const before = those.get(from)
    if (!before && those.size >= mostPresent) return false
    this.#all.set(key, those.set(from, { presence: withoutAllButCaps(presence), greeted: before?.greeted ?? [] }))
    return true
  }

  of(account: Jid): Iterable<readonly [string, Here]> {
    return this.#all.get(account.toString()) ?? []
  }

  /** Of which of these nodes it has not got the last items yet; from now on it has. */
  greet(account: Jid, from: Jid, interests: readonly string[]): readonly string[] {
    const here = this.#all.get(account.toString())?.get(from.toString())
    if (!here) return []
    const fresh = interests.filter((id) => !here.greeted.includes(id))
    if (fresh.length > 0) here.greeted = interests
    return fresh
  }

  goes(account: Jid, from: Jid): void {
    const those = this.#all.get(account.toString())
    if (those?.delete(from.toString()) && those.size === 0) this.#all.delete(account.toString())
  }

  forget(account: Jid): void {
    this.#all.delete(account.toString())
  }
}

/** XEP-0163 §4.3, XEP-0060 §9: who hears of an account's node without having asked for it. */
export function* implicitReaders(
  host: Host,
  present: Present,
  featuresOf: FeaturesOf,
  node: Parameters<Engine['implicit']>[0],
  roster: Roster,
  relationOf: RelationOf,
): Generator<Jid> {
  const account = node.service
  for (const session of host.sessions(account)) if (wants(session)) yield session.jid
  for (const [key, contact] of roster.contacts) {
    if (!isSubscriber(contact)) continue
    const jid = Jid.parse(key)
    for (const session of host.sessions(jid))
      if (wants(session) && !refusal(node, session.jid, relationOf(session.jid), 'read')) yield session.jid
  }
  for (const [key, { presence, greeted }] of present.of(account)) {
    const jid = Jid.parse(key)
    // A session here whose account has subscribed: it has been told.
    if (host.session(jid) && isSubscriber(roster.contact(jid.bare))) continue
    if (isWanted(featuresOf(jid, presence), greeted) && !refusal(node, jid, relationOf(jid), 'read')) yield jid
  }

  function wants(session: Target): boolean {
    const { presence } = session
    return presence !== undefined && isWanted(featuresOf(session.jid, presence), greetedOf(session))
  }

  /** Another hash than before: until it is known what that stands for, what came before holds. */
  function isWanted(features: ReadonlySet<string>, greeted: readonly string[]): boolean {
    return features === unknownFeatures ? greeted.includes(node.id) : isInterested(features, node.id)
  }
}

/** Accounts as services of their own: XEP-0163. */
export function serveAccounts(
  host: Host,
  engine: Engine,
  rosters: Rosters,
  featuresOf: FeaturesOf,
  present: Present,
): {
  /** A session has become available, or it has become known what it wants to hear: the last items, once each. */
  greet(session: Target, presence: Presence): void
  /** It is not available any more. */
  part(session: Target): void
  /** An entity that is not of this host, or no contact, is here, or it has become known what it wants to hear. */
  greetPresent(account: Jid, jid: Jid, presence: Presence): void
  rosterChanged(change: RosterChange): void
} {
  const { shelves } = engine
  const rules: Rules = {
    defaults: accountDefaults(engine.limits),
    makesThemselves: true,
    making(service, from) {
      // §3.2, §5: an account's nodes are its own.
      if (!from.bare.equals(service)) throw new StanzaError('forbidden')
      return when(engine.relations(service, [], 'presence'), (relationOf) =>
        when(shelves.ofAccount(service), (nodes) => {
          const has = [...nodes].length
          return { relationOf, make: (config, id) => make(engine, service, id, service, config, has) }
        }),
      )
    },
    nodes: (service) => shelves.ofAccount(service),
  }

  for (const type of ['get', 'set'] as const) {
    const isSet = type === 'set'
    host.answer(type, 'account', PubsubRequest, ({ payload, to, from }) =>
      answer(engine, rules, { service: to, from, isSet }, payload),
    )
    host.answer(type, 'account', PubsubOwnerRequest, ({ payload, to, from }) =>
      answerOwner(engine, rules, { service: to, from, isSet }, payload),
    )
  }

  // XEP-0060 §8.6: what the account itself decides.
  host.hook('message:out', 'check', ({ stanza }) => {
    const { to, from } = stanza
    if (!to?.isBare || !to.equals(from!.bare)) return
    const form = approvalIn(stanza)
    if (form) return when(decide(engine, to, from!, form), () => 'stop' as const)
  })

  /**
   * The last items of an account's nodes, for one who has become interested in them.
   * @param before what it was to the account until now: of what it could read already it knows
   */
  function greetOf(account: Jid, jid: Jid, interests: readonly string[], before?: Relation): Awaitable<void> {
    if (interests.length === 0) return
    return when(shelves.ofAccount(account), (nodes) => {
      for (const node of nodes) {
        if (node.config.send_last_published_item !== 'on_sub_and_presence' || !interests.includes(node.id)) continue
        if (before && !refusal(node, jid, before, 'read')) continue
        void when(engine.relation(account, node, jid), (relation) => {
          if (!refusal(node, jid, relation, 'read')) return sendLast(engine, node, jid)
        })
      }
    })
  }

  return {
    greet(session, presence) {
      const greeted = greetedOf(session)
      const wanted = interestsOf(featuresOf(session.jid, presence))
      const interests = wanted.filter((id) => !greeted.includes(id))
      if (interests.length === 0) return
      // Not also what it wanted before: a client can want something else with each presence, and a record is written as a whole.
      session.set(greetedKey, wanted)
      void greetOf(session.account, session.jid, interests)
      void when(rosters.of(session.account), (roster) => {
        for (const [key, contact] of roster.contacts) {
          const jid = Jid.parse(key)
          if (isSubscribedTo(contact) && jid.domain === host.domain.domain) void greetOf(jid, session.jid, interests)
        }
      })
    },
    part: (session) => session.set(greetedKey, undefined),
    greetPresent(account, jid, presence) {
      void when(engine.relation(account, undefined, jid), ({ isSubscribed }) => {
        const interests = present.greet(account, jid, interestsOf(featuresOf(jid, presence)))
        // A contact of this host that is here for all has got them with that.
        const isGreeted = isSubscribed && jid.domain === host.domain.domain && host.session(jid)?.presence !== undefined
        if (!isGreeted) return greetOf(account, jid, interests)
      })
    },
    rosterChanged({ account, jid, before, after }) {
      const isNew = !isSubscriber(before) && isSubscriber(after)
      const isLess = isSubscriber(before) && !isSubscriber(after)
      const isMoved = before.groups.join('\n') !== after.groups.join('\n')
      if (!isNew && !isLess && !isMoved) return
      // XEP-0163 §7.1
      void when(shelves.ofAccount(account), (nodes) => {
        const relation: Relation = { isSubscribed: isSubscriber(after), groups: after.groups }
        for (const node of nodes) {
          const its = node.subscriptionsOf(jid).map((one) => one.jid)
          if (its.length > 0) recalculate(engine, node, () => relation, new Set(its))
        }
      })
      if (!isSubscriber(after)) return
      const relation: Relation = { isSubscribed: isSubscriber(before), groups: before.groups }
      const greetAgain = (entity: Jid, presence: Presence) =>
        void greetOf(account, entity, interestsOf(featuresOf(entity, presence)), relation)
      for (const session of host.sessions(jid)) if (session.presence) greetAgain(session.jid, session.presence)
      for (const [key, { presence }] of present.of(account)) {
        const entity = Jid.parse(key)
        if (entity.bare.equals(jid) && !host.session(entity)) greetAgain(entity, presence)
      }
    },
  }
}
