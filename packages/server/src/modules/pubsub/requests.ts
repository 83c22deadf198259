import {
  type Element,
  Form,
  type Jid,
  pubsub,
  pubsubNs,
  pubsubOwner,
  pubsubOwnerNs,
  type PubsubOwnerRequest,
  type PubsubRequest,
  StanzaError,
  unsupported,
  xml,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { hideFromStrangers, type Relation } from './access.ts'
import type { Engine } from './engine.ts'
import { retrieve } from './items.ts'
import { changeAffiliations, changeSubscriptions, listAffiliations, listSubscriptions } from './manage.ts'
import type { Node } from './node.ts'
import { configForm, type NodeConfig, readConfig } from './node-config.ts'
import { newId } from './notify.ts'
import { configure, purge, remove } from './own.ts'
import { type Making, publish, retract } from './publish.ts'
import { configureSubscription, subscribe, subscriptionElement, unsubscribe } from './subscribe.ts'
import { defaultOptions, optionsForm } from './subscription-options.ts'
import { isAccount } from './shelves.ts'

/** Where accounts and the service differ. */
export interface Rules {
  readonly defaults: NodeConfig
  /** How a node is made there by whoever asks. @throws StanzaError when it may not */
  making(service: Jid, from: Jid, node: string): Awaitable<Making>
  /** Also by publishing to it (§7.1.4). */
  readonly makesThemselves: boolean
  /** The nodes with which an entity may have to do. */
  nodes(service: Jid, entity: Jid): Awaitable<Iterable<Node>>
}

interface Asked {
  readonly service: Jid
  readonly from: Jid
  readonly isSet: boolean
}

/** XEP-0060 §5.6 to §8.1: what anybody may ask. */
export function answer(engine: Engine, rules: Rules, asked: Asked, request: PubsubRequest): Awaitable<Element | void> {
  const { service, from, isSet } = asked
  checkType(request.verb, isSet, ['create', 'publish', 'retract', 'subscribe', 'unsubscribe'])
  switch (request.verb) {
    case 'create':
      return create(engine, rules, asked, request)
    case 'publish':
      return publish(engine, service, from, request, () => {
        if (rules.makesThemselves) return rules.making(service, from, request.node)
        throw noNode(request.node)
      })
    case 'retract':
      return when(engine.shelves.node(service, request.node), (node) => {
        if (!node) throw noNodeToChange(asked, request.node)
        return retract(engine, node, from, request)
      })
    case 'subscribe':
      return reach(engine, asked, request.node, (node, relation) => subscribe(engine, node, from, relation, request))
    case 'unsubscribe':
      return reach(engine, asked, request.node, (node) => unsubscribe(engine, node, from, request))
    case 'options':
      return reach(engine, asked, request.node, (node) => configureSubscription(engine, node, from, request, isSet))
    case 'items':
      return reach(engine, asked, request.node, (node, relation) => retrieve(engine, node, from, relation, request))
    case 'subscriptions':
    case 'affiliations':
      return when(rules.nodes(service, from), (nodes) => {
        const all = [...nodes].filter(({ id }) => request.node === undefined || id === request.node)
        const list = request.verb === 'subscriptions' ? all.flatMap(own(from)) : all.flatMap(affiliation(from))
        return pubsub(xml(request.verb, pubsubNs, { node: request.node }, ...list))
      })
    case 'default': {
      const { node } = request
      return pubsub(xml('default', pubsubNs, { node }, Form.write(optionsForm(defaultOptions, 'result'))))
    }
  }
}

/** XEP-0060 §8: what owners may ask. */
export function answerOwner(
  engine: Engine,
  rules: Rules,
  asked: Asked,
  request: PubsubOwnerRequest,
): Awaitable<Element | void> {
  const { service, from, isSet } = asked
  checkType(request.verb, isSet, ['delete', 'purge'])
  if (request.verb === 'default') {
    if (isSet) throw new StanzaError('bad-request', 'The defaults are the server’s')
    if (request.type !== 'leaf') throw unsupported('collections')
    return pubsubOwner(xml('default', pubsubOwnerNs, undefined, Form.write(configForm(rules.defaults, 'form'))))
  }
  return when(engine.shelves.node(service, request.node), (node) => {
    if (!node) throw noNodeToChange(asked, request.node)
    if (node.affiliation(from) !== 'owner') throw new StanzaError('forbidden')
    switch (request.verb) {
      case 'configure':
        return configure(engine, node, request, isSet)
      case 'delete':
        return remove(engine, node, request.redirect)
      case 'purge':
        return purge(engine, node)
      case 'affiliations':
        return isSet ? changeAffiliations(engine, node, request.changes) : listAffiliations(node)
      case 'subscriptions':
        return isSet ? changeSubscriptions(engine, node, request.changes) : listSubscriptions(node)
    }
  })
}

function checkType(verb: string, isSet: boolean, sets: readonly string[]): void {
  const both = ['options', 'configure', 'affiliations', 'subscriptions']
  const isRight = isSet ? sets.includes(verb) || both.includes(verb) || verb === 'default' : !sets.includes(verb)
  if (!isRight) throw new StanzaError('bad-request', `<${verb}/> does not go with this type`)
}

/** XEP-0060 §8.1 */
function create(
  engine: Engine,
  rules: Rules,
  { service, from }: Asked,
  { node, form }: PubsubRequest & { verb: 'create' },
): Awaitable<Element> {
  const id = node || newId(engine)
  const config = form && form.type !== 'cancel' ? readConfig(form, engine.limits) : {}
  return when(rules.making(service, from, id), ({ make }) =>
    when(engine.shelves.node(service, id), (existing) => {
      if (existing) throw new StanzaError('conflict', `There is a node ${id}`)
      make(config, id)
      return pubsub(xml('create', pubsubNs, { node: id }))
    }),
  )
}

/** Goes on with a node, for whoever may know of it. */
function reach(
  engine: Engine,
  { service, from }: Asked,
  id: string,
  act: (node: Node, relation: Relation) => Awaitable<Element | void>,
): Awaitable<Element | void> {
  return when(engine.shelves.node(service, id), (node) =>
    when(engine.relation(service, node, from), (relation) => {
      hideFromStrangers(service, node, from, relation)
      if (!node || node.isDeleted) throw noNode(id)
      return act(node, relation)
    }),
  )
}

const own = (entity: Jid) => (node: Node) =>
  node.subscriptionsOf(entity).map((one) => subscriptionElement(node, one, one.state))

const affiliation = (entity: Jid) => (node: Node) => {
  const its = node.affiliation(entity)
  return its === 'none' ? [] : [xml('affiliation', pubsubNs, { node: node.id, affiliation: its })]
}

function noNode(id: string): StanzaError {
  return new StanzaError('item-not-found', `There is no node ${id}`)
}

/** Nobody learns of an account by trying to change its nodes: refusals have no words of their own. */
function noNodeToChange({ service, from }: Asked, id: string): StanzaError {
  return isAccount(service) && !from.bare.equals(service) ? new StanzaError('forbidden') : noNode(id)
}
