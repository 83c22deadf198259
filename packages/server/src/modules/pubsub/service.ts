import {
  Command,
  commandsNs,
  DiscoInfo,
  discoInfoNs,
  type DiscoItem,
  DiscoItems,
  discoItemsNs,
  type Jid,
  pubsubFeature,
  pubsubGetPending,
  PubsubOwnerRequest,
  PubsubRequest,
  RsmRequest,
  RsmResult,
  StanzaError,
} from '@jackdaw/xmpp'
import type { Host, Service, Target } from '../../module.ts'
import { when, whenAll } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { describeCommand, listCommands, perform } from '../commands/ad-hoc.ts'
import { refusal } from './access.ts'
import { approvalIn, decide } from './approval.ts'
import { describeNode, features as common, itemOf, itemsOfNode } from './discovery.ts'
import type { Engine } from './engine.ts'
import type { Node } from './node.ts'
import { serviceDefaults } from './node-config.ts'
import { sendLast } from './notify.ts'
import { make, remove } from './own.ts'
import { pageOf } from './pages.ts'
import { pendingCommand } from './pending.ts'
import { answer, answerOwner, type Rules } from './requests.ts'
import { bounced } from './bounces.ts'

const features = [
  discoInfoNs,
  discoItemsNs,
  commandsNs,
  ...common,
  pubsubFeature('access-open'),
  pubsubFeature('get-pending'),
]

/** Of those who may make nodes. */
const makingFeatures: readonly string[] = ['create-nodes', 'create-and-configure', 'instant-nodes'].map(pubsubFeature)

/** The nodes of the host that belong to no account: XEP-0060 at a domain of its own. */
export function serveDomain(
  host: Host,
  engine: Engine,
  label: string,
): {
  readonly service: Service
  /** The session of a subscriber has become available. */
  greet(session: Target): void
  /** An account has been removed, and is nobody's subscriber or owner any more. */
  forget(account: Jid): Awaitable<void>
} {
  const { shelves } = engine
  const service = host.serve(label, {
    name: 'Publish-Subscribe',
    message(stanza) {
      const form = approvalIn(stanza)
      if (form) return decide(engine, service.domain, stanza.from!, form)
      if (stanza.type === 'error') return bounced(engine, service.domain, stanza)
      throw new StanzaError('service-unavailable')
    },
  })
  const at = service.domain

  const rules: Rules = {
    defaults: serviceDefaults(engine.limits),
    makesThemselves: false,
    making(_, from) {
      // §8.1.1
      if (!mayMake(from)) throw new StanzaError('forbidden')
      return when(host.accounts.exists(from.bare), (exists) => {
        if (!exists) throw new StanzaError('forbidden')
        return when(shelves.affairs(from), (affairs) => {
          const has = [...affairs.values()].filter((isCreator) => isCreator).length
          return {
            relationOf: () => ({ isSubscribed: false, groups: [] }),
            make: (config, id) => make(engine, at, id, from, config, has),
          }
        })
      })
    },
    nodes: (_, entity) => affairsOf(entity),
  }

  for (const type of ['get', 'set'] as const) {
    const isSet = type === 'set'
    service.answer(type, 'domain', PubsubRequest, ({ payload, from }) =>
      answer(engine, rules, { service: at, from, isSet }, payload),
    )
    service.answer(type, 'domain', PubsubOwnerRequest, ({ payload, from }) =>
      answerOwner(engine, rules, { service: at, from, isSet }, payload),
    )
  }

  const mayMake = (from: Jid) =>
    from.domain === host.domain.domain && from.local !== undefined && host.roles.may(from, 'nodes')
  const commandsOf = (from: Jid) => when(affairsOf(from), (nodes) => [pendingCommand(engine, from, nodes)])
  service.answer('set', 'domain', Command, ({ payload, from }) =>
    when(commandsOf(from), (commands) => perform(commands, payload, host.random)),
  )

  service.answer('get', 'domain', DiscoInfo, ({ payload: { node }, from }) => {
    if (node === commandsNs || node === pubsubGetPending)
      return when(commandsOf(from), (commands) => DiscoInfo.write(describeCommand(commands, node)!))
    if (node === undefined) {
      const identities = [{ category: 'pubsub', type: 'service', name: 'Publish-Subscribe' }]
      const offered = mayMake(from) ? features : features.filter((feature) => !makingFeatures.includes(feature))
      return DiscoInfo.write({ identities, features: offered, forms: [] })
    }
    return when(describeNode(engine, at, from, node), (info) => {
      if (!info) throw new StanzaError('item-not-found', `There is no node ${node}`)
      return DiscoInfo.write({ ...info, node })
    })
  })

  service.answer('get', 'domain', DiscoItems, ({ payload: { node }, from, iq }) => {
    const set = iq.first()!.child(RsmRequest.name, RsmRequest.ns)
    const request = set && RsmRequest.read(set)
    if (node === commandsNs)
      return when(commandsOf(from), (commands) => DiscoItems.write({ node, items: listCommands(commands, at) }))
    if (node === undefined)
      return when(visible(from), (ids) => {
        const { ids: some, result } = pageOf(ids, request ?? {}, engine.limits.page)
        return when(
          whenAll(
            some.map((id) => shelves.node(at, id)),
            (nodes) => nodes.filter((one) => one !== undefined).map(itemOf),
          ),
          (items) => listed(undefined, items, request || some.length < ids.length ? result : undefined),
        )
      })
    return when(itemsOfNode(engine, at, from, node), (items) => {
      if (!items) throw new StanzaError('item-not-found', `There is no node ${node}`)
      const names = items.map(({ name }) => name!)
      const { ids, result } = pageOf(names, request ?? {}, engine.limits.page)
      const page = ids.map((name) => ({ jid: at, name }))
      return listed(node, page, request || ids.length < names.length ? result : undefined)
    })
  })

  /** §5.2: the nodes that are open, those for which one may ask, and one's own. */
  function visible(entity: Jid): Awaitable<readonly string[]> {
    return when(affairsOf(entity), (own) => {
      const ids = new Set([...own].filter((node) => node.affiliation(entity) !== 'outcast').map(({ id }) => id))
      return when(shelves.catalogue(at), (catalogue) => {
        for (const [id, { config, affiliations }] of catalogue) {
          const model = config.access_model ?? rules.defaults.access_model
          const isOutcast = affiliations[entity.bare.toString()] === 'outcast'
          if ((model === 'open' || model === 'authorize') && !isOutcast) ids.add(id)
        }
        return [...ids].sort()
      })
    })
  }

  function affairsOf(entity: Jid): Awaitable<readonly Node[]> {
    return when(shelves.affairs(entity), (affairs) =>
      whenAll(
        [...affairs.keys()].map((id) => shelves.node(at, id)),
        (nodes) => nodes.filter((node) => node !== undefined),
      ),
    )
  }

  return {
    service,
    greet(session) {
      void when(affairsOf(session.account), (nodes) => {
        for (const node of nodes) {
          if (node.config.send_last_published_item !== 'on_sub_and_presence') continue
          const own = [session.jid, session.account].flatMap((jid) => node.subscriptions.get(jid.toString()) ?? [])
          if (!own.some(({ state, deliver }) => state === 'subscribed' && deliver)) continue
          void when(engine.relation(at, node, session.jid), (relation) => {
            if (!refusal(node, session.jid, relation, 'read')) return sendLast(engine, node, session.jid)
          })
        }
      })
    },
    forget(account) {
      return when(affairsOf(account), (nodes) => {
        for (const node of nodes) {
          for (const subscription of node.subscriptionsOf(account)) shelves.unsubscribe(node, subscription)
          const { [account.toString()]: gone, ...affiliations } = node.record.affiliations
          // Nobody would be left to take care of it.
          if (gone === 'owner' && node.owners.length === 1) void remove(engine, node)
          else if (gone) shelves.write(node, { ...node.record, affiliations })
        }
      })
    },
  }
}

function listed(node: string | undefined, items: readonly DiscoItem[], set: RsmResult | undefined) {
  const element = DiscoItems.write({ node, items })
  return set ? element.append(RsmResult.write(set)) : element
}
