import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Form } from './forms.ts'
import { jidValue } from './jid-value.ts'
import { pubsubError, pubsubNs } from './pubsub.ts'
import { RsmRequest } from './rsm.ts'

/** An item as it is published: its id, when the publisher chose one, and its payload. */
export interface PubsubItem {
  readonly id?: string | undefined
  readonly payload?: Element | undefined
}

/** What is asked within `<pubsub/>` (XEP-0060 §5–§8.1). */
export type PubsubRequest =
  | { readonly verb: 'create'; readonly node?: string | undefined; readonly form?: Form | undefined }
  | {
      readonly verb: 'publish'
      readonly node: string
      readonly items: readonly PubsubItem[]
      /** The preconditions of §7.1.5. */
      readonly options?: Form | undefined
    }
  | { readonly verb: 'retract'; readonly node: string; readonly id: string; readonly isNotified: boolean }
  | { readonly verb: 'subscribe'; readonly node: string; readonly jid: Jid; readonly options?: Form | undefined }
  | ({ readonly verb: 'unsubscribe' } & OfSubscriber)
  | ({ readonly verb: 'options'; readonly form?: Form | undefined } & OfSubscriber)
  | {
      readonly verb: 'items'
      readonly node: string
      readonly ids: readonly string[]
      readonly maxItems?: number | undefined
      readonly subid?: string | undefined
      readonly set?: RsmRequest | undefined
    }
  | { readonly verb: 'subscriptions' | 'affiliations' | 'default'; readonly node?: string | undefined }

interface OfSubscriber {
  readonly node: string
  readonly jid: Jid
  readonly subid?: string | undefined
}

/** `<pubsub/>` in a request. Reading throws the StanzaError that XEP-0060 has for what is missing. */
export const PubsubRequest: Payload<PubsubRequest> = { name: 'pubsub', ns: pubsubNs, read, write }

function read(element: Element): PubsubRequest {
  const verb = element.elements().find(({ ns, name }) => ns === pubsubNs && Object.hasOwn(readers, name))
  if (!verb) throw new StanzaError('bad-request', '<pubsub/> holds nothing that can be asked')
  return readers[verb.name]!(verb, element)
}

const readers: Readonly<Record<string, (verb: Element, whole: Element) => PubsubRequest>> = {
  create: (verb, whole) => ({ verb: 'create', node: verb.attr('node'), form: companion(verb, whole, 'configure') }),
  publish: (verb, whole) => ({
    verb: 'publish',
    node: nodeOf(verb),
    items: named(verb, 'item').map(itemOf),
    options: companion(verb, whole, 'publish-options'),
  }),
  retract: (verb) => ({
    verb: 'retract',
    node: nodeOf(verb),
    id: onlyId(verb),
    isNotified: verb.attr('notify') === 'true' || verb.attr('notify') === '1',
  }),
  subscribe: (verb, whole) => {
    const jid = verb.attr('jid')
    // §6.1.3.1
    if (jid === undefined) throw pubsubError('invalid-jid', 'The JID that is to be subscribed is missing')
    return { verb: 'subscribe', node: nodeOf(verb), jid: jidValue(jid), options: companion(verb, whole, 'options') }
  },
  unsubscribe: (verb) => ({ verb: 'unsubscribe', ...subscriberOf(verb) }),
  options: (verb) => ({ verb: 'options', ...subscriberOf(verb), form: formIn(verb) }),
  items: (verb, whole) => {
    const set = whole.child(RsmRequest.name, RsmRequest.ns)
    const max = verb.attr('max_items')
    if (max !== undefined && !/^\d{1,9}$/.test(max))
      throw new StanzaError('bad-request', 'max_items is not a number of items')
    return {
      verb: 'items',
      node: nodeOf(verb),
      ids: named(verb, 'item').map(idOf),
      maxItems: max === undefined ? undefined : Number(max),
      subid: verb.attr('subid'),
      set: set && RsmRequest.read(set),
    }
  },
  subscriptions: (verb) => ({ verb: 'subscriptions', node: verb.attr('node') }),
  affiliations: (verb) => ({ verb: 'affiliations', node: verb.attr('node') }),
  default: (verb) => ({ verb: 'default', node: verb.attr('node') }),
}

function write(request: PubsubRequest): Element {
  switch (request.verb) {
    case 'create':
      return pubsub(xml('create', pubsubNs, { node: request.node }), wrapped('configure', request.form))
    case 'publish': {
      const items = request.items.map(({ id, payload }) => xml('item', pubsubNs, { id }, payload))
      return pubsub(
        xml('publish', pubsubNs, { node: request.node }, ...items),
        wrapped('publish-options', request.options),
      )
    }
    case 'retract': {
      const notify = request.isNotified ? 'true' : undefined
      return pubsub(xml('retract', pubsubNs, { node: request.node, notify }, xml('item', pubsubNs, { id: request.id })))
    }
    case 'subscribe':
      return pubsub(
        xml('subscribe', pubsubNs, { node: request.node, jid: request.jid.toString() }),
        wrapped('options', request.options),
      )
    case 'unsubscribe':
    case 'options': {
      const { verb, node, jid, subid } = request
      const form = verb === 'options' && request.form ? Form.write(request.form) : undefined
      return pubsub(xml(verb, pubsubNs, { node, jid: jid.toString(), subid }, form))
    }
    case 'items': {
      const { node, ids, maxItems, subid, set } = request
      const items = ids.map((id) => xml('item', pubsubNs, { id }))
      return pubsub(
        xml('items', pubsubNs, { node, max_items: maxItems?.toString(), subid }, ...items),
        set && RsmRequest.write(set),
      )
    }
    default:
      return pubsub(xml(request.verb, pubsubNs, { node: request.node }))
  }
}

/** `<pubsub/>` with what it holds: a request, or its answer. */
export function pubsub(...children: (Element | undefined)[]): Element {
  return xml('pubsub', pubsubNs, undefined, ...children)
}

/** §6.3.7, §8.1.3: what goes with a request follows it, and has no address of its own. */
function companion(verb: Element, parent: Element, name: string): Form | undefined {
  const siblings = parent.elements()
  const found = siblings.find((sibling) => sibling.name === name && sibling.ns === pubsubNs)
  if (!found) return undefined
  if (siblings.indexOf(found) < siblings.indexOf(verb))
    throw new StanzaError('bad-request', `<${name}/> follows <${verb.name}/>`)
  if (found.attr('node') !== undefined || found.attr('jid') !== undefined)
    throw new StanzaError('bad-request', `<${name}/> names no node and no JID of its own`)
  return formIn(found)
}

/** The form within an element. */
export function formIn(element: Element): Form | undefined {
  const form = element.child(Form.name, Form.ns)
  return form && Form.read(form)
}

function wrapped(name: string, form: Form | undefined): Element | undefined {
  return form && xml(name, pubsubNs, undefined, Form.write(form))
}

/** The node that an element names; XEP-0060 wants `<nodeid-required/>` where it names none. */
export function nodeOf(element: Element): string {
  const node = element.attr('node')
  // The empty one is the root collection (XEP-0248), which there is not.
  if (node === undefined || node === '') throw pubsubError('nodeid-required', 'The request names no node')
  return node
}

function subscriberOf(verb: Element): OfSubscriber {
  const jid = verb.attr('jid')
  if (jid === undefined) throw pubsubError('jid-required', 'The request names no subscriber')
  return { node: nodeOf(verb), jid: jidValue(jid), subid: verb.attr('subid') }
}

function itemOf(item: Element): PubsubItem {
  const payloads = item.elements()
  // §7.1.3.6
  if (payloads.length > 1) throw pubsubError('invalid-payload', 'An item has one payload')
  return { id: item.attr('id'), payload: payloads[0] }
}

function idOf(item: Element): string {
  const id = item.attr('id')
  if (id === undefined || id === '') throw pubsubError('item-required', 'An item needs an id')
  return id
}

function onlyId(verb: Element): string {
  const [item, ...more] = named(verb, 'item')
  if (!item) throw pubsubError('item-required', 'The request names no item')
  if (more.length > 0) throw new StanzaError('bad-request', 'One item is retracted at a time')
  return idOf(item)
}

function named(element: Element, name: string): Element[] {
  return element.elements().filter((child) => child.name === name && child.ns === element.ns)
}
