import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import { Form } from './forms.ts'
import { pubsubEventNs, type SubscriptionState } from './pubsub.ts'
import type { PubsubItem } from './pubsub-request.ts'

const shimNs = 'http://jabber.org/protocol/shim'

/** What those who have subscribed are told (XEP-0060 §7.1.2, §7.2.2, §8). */
export const pubsubEvents = {
  /** An item was published; without one, that something happened. */
  published: (node: string, item?: PubsubItem & { readonly publisher?: string | undefined }): Element =>
    event(
      xml(
        'items',
        pubsubEventNs,
        { node },
        item && xml('item', pubsubEventNs, { id: item.id, publisher: item.publisher }, item.payload),
      ),
    ),
  retracted: (node: string, ids: readonly string[]): Element =>
    event(xml('items', pubsubEventNs, { node }, ...ids.map((id) => xml('retract', pubsubEventNs, { id })))),
  purged: (node: string): Element => event(xml('purge', pubsubEventNs, { node })),
  deleted: (node: string, redirect?: string): Element =>
    event(
      xml(
        'delete',
        pubsubEventNs,
        { node },
        redirect === undefined ? undefined : xml('redirect', pubsubEventNs, { uri: redirect }),
      ),
    ),
  configured: (node: string, form?: Form): Element =>
    event(xml('configuration', pubsubEventNs, { node }, form && Form.write(form))),
  subscription: (node: string, jid: Jid, state: SubscriptionState, subid?: string): Element =>
    event(xml('subscription', pubsubEventNs, { node, jid: jid.toString(), subscription: state, subid })),
}

function event(child: Element): Element {
  return xml('event', pubsubEventNs, undefined, child)
}

/** XEP-0131, XEP-0060 §7.1.2.4: which of the subscriptions of one entity an event is for. */
export function subidHeaders(subids: readonly string[]): Element {
  return xml('headers', shimNs, undefined, ...subids.map((subid) => xml('header', shimNs, { name: 'SubID' }, subid)))
}
