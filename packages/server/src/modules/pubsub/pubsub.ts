import { type DiscoItem, Jid, MucUser, type Presence, pubsubFeature, pubsubNs } from '@jackdaw/xmpp'
import * as z from 'zod'
import { size, subdomain } from '../../config/fields.ts'
import { defineModule, map } from '../../module.ts'
import { when, whenAll } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { blocklists } from '../blocking/blocklists.ts'
import { disco } from '../disco.ts'
import { knownCaps } from '../known-caps.ts'
import { presence as presenceModule } from '../presence/presence.ts'
import { isSubscriber } from '../roster/contact.ts'
import { roster } from '../roster/roster.ts'
import type { Relation } from './access.ts'
import { describeNode, isVisible, itemOf, itemsOfNode } from './discovery.ts'
import type { Engine } from './engine.ts'
import type { ItemHead, Node, NodeRecord, Subscription } from './node.ts'
import { accountDefaults, serviceDefaults } from './node-config.ts'
import { ownNodes } from './own-nodes.ts'
import { accountFeatures, implicitReaders, Present, serveAccounts } from './pep.ts'
import { serveDomain } from './service.ts'
import { isAccount, Shelves } from './shelves.ts'

const nobody: Relation = { isSubscribed: false, groups: [] }

/** Publish-subscribe: every account has nodes (XEP-0163), and so has a service of the host (XEP-0060). Collections (XEP-0248) there are none. */
export const pubsub = defineModule({
  name: 'pubsub',
  xeps: ['XEP-0060 1.30.0', 'XEP-0163 1.2.2', 'XEP-0222 1.0', 'XEP-0223 1.1.1', 'XEP-0084 1.1.4'],
  needs: [roster, blocklists, presenceModule, disco, knownCaps],
  // XEP-0222 §6, XEP-0223 §6: clients look at the server, too.
  features: { account: accountFeatures, server: [pubsubFeature('publish-options')] },
  config: z.object({
    subdomain: subdomain('pubsub'),
    nodes: z
      .int()
      .min(1)
      .default(1000)
      .describe('Most nodes of one account, and most that one account may make at the service.'),
    items: z.int().min(1).max(100_000).default(10_000).describe('Most items that a node keeps.'),
    payload: size({ min: '1 KiB' }).prefault('128 KiB').describe('How much an item may be, in bytes of XML.'),
    subscriptions: z.int().min(0).default(10_000).describe('Most subscriptions to one node.'),
    affiliations: z.int().min(1).default(1000).describe('Most entities that are affiliated with one node.'),
    page: z.int().min(1).max(10_000).default(100).describe('Most items given in one answer.'),
  }),
  stores: {
    nodes: map<NodeRecord>(),
    subscriptions: map<readonly Subscription[]>(),
    items: map<ItemHead>(),
    payloads: map<string>(),
    affairs: map<boolean>(),
  },
  start(host) {
    const { rosters } = host.use(roster)
    const lists = host.use(blocklists)
    const { features: featuresOf, onLearnt } = host.use(knownCaps)
    const { onAccount } = host.use(disco)
    const present = new Present()
    const defaults = { account: accountDefaults(host.config), service: serviceDefaults(host.config) }
    const shelves = new Shelves(host.stores, host.clock, (service) =>
      isAccount(service) ? defaults.account : defaults.service,
    )

    const engine: Engine = {
      host,
      shelves,
      limits: host.config,
      watchers: new Set(),
      notifications: host.metrics.counter(
        'jackdaw_pubsub_notifications_total',
        'Notifications sent of what happens at nodes',
      ),
      relation(service, node, entity) {
        if (!isAccount(service)) {
          if (!node || !isAboutPresence(node.config.access_model)) return nobody
          return when(engine.relations(service, node.owners, node.config.access_model), (of) => of(entity))
        }
        if (entity.bare.equals(service)) return { isSubscribed: true, groups: [] }
        return when(lists.of(service), (list) =>
          when(rosters.contact(service, entity), (contact) => ({
            isSubscribed: isSubscriber(contact),
            groups: contact.groups,
            isBlocked: list.blocks(entity),
          })),
        )
      },
      relations(service, owners, model) {
        if (!isAccount(service) && !isAboutPresence(model)) return () => nobody
        const accounts = isAccount(service) ? [service] : owners.map((owner) => Jid.parse(owner)).filter(isOfHost)
        return when(isAccount(service) ? lists.of(service) : undefined, (list) =>
          whenAll(
            accounts.map((account) => rosters.of(account)),
            (all) => (entity) => ({
              isSubscribed: all.some((one) => one.isSubscribed(entity)),
              groups: all.flatMap((one) => one.contact(entity.bare).groups),
              isBlocked: list?.blocks(entity) ?? false,
            }),
          ),
        )
      },
      *implicit(node, relationOf) {
        if (!isAccount(node.service)) return
        const own = rosters.of(node.service)
        // It has been read for `relationOf`.
        if (!(own instanceof Promise)) yield* implicitReaders(host, present, featuresOf, node, own, relationOf)
      },
    }

    const publications = host.metrics.counter('jackdaw_pubsub_publications_total', 'Items published')
    engine.watchers.add({ published: () => publications.inc() })
    const accounts = serveAccounts(host, engine, rosters, featuresOf, present)
    const domain = serveDomain(host, engine, host.config.subdomain)

    host.onStop(
      onAccount({
        identity: { category: 'pubsub', type: 'pep' },
        ns: pubsubNs,
        info: (account, from, node) => describeNode(engine, account, from, node),
        items: (account, from, node) =>
          node === undefined
            ? when(shelves.ofAccount(account), (nodes) => shown([...nodes], from))
            : itemsOfNode(engine, account, from, node),
      }),
    )

    host.onStop(
      host.use(presenceModule).onBroadcast(({ session, presence, before }) => {
        if (!before || presence.type) accounts.part(session)
        if (presence.type) return
        accounts.greet(session, presence)
        if (!before) domain.greet(session)
      }),
    )

    host.onStop(
      onLearnt((jid: Jid, presence: Presence) => {
        const { to } = presence
        if (to) return accounts.greetPresent(to.bare, jid, presence)
        const session = host.session(jid)
        if (session?.presence) accounts.greet(session, session.presence)
      }),
    )

    // XEP-0060 §9.1.3, and contacts of other servers.
    host.hook('presence:in', 'deliver', ({ stanza, sender }) => {
      const { from, to, type } = stanza
      if (!to || to.local === undefined || !from || from.isBare) return
      if (type === 'unavailable') return present.goes(to.bare, from)
      if (type !== undefined || (!sender && isOfHost(from))) return
      // Occupants of a room are many, and see no nodes of one another's.
      if (stanza.child(MucUser.name, MucUser.ns)) return
      if (present.comes(to.bare, stanza)) accounts.greetPresent(to.bare, from, stanza)
    })

    host.onStop(rosters.onChange((change) => accounts.rosterChanged(change)))

    host.on('account:removed', ({ account }) => {
      present.forget(account)
      shelves.forget(account)
      return domain.forget(account)
    })

    return ownNodes(engine)

    function shown(nodes: readonly Node[], from: Jid): Awaitable<readonly DiscoItem[]> {
      return whenAll(
        nodes.map((node) => isVisible(engine, node, from, 'subscribe')),
        (isShown) => nodes.filter((_, i) => isShown[i]).map(itemOf),
      )
    }

    function isOfHost(jid: Jid): boolean {
      return jid.domain === host.domain.domain
    }
  },
})

function isAboutPresence(model: string): boolean {
  return model === 'presence' || model === 'roster'
}
