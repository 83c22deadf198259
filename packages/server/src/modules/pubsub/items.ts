import {
  type Element,
  type Jid,
  parse,
  pubsub,
  pubsubError,
  pubsubNs,
  type PubsubRequest,
  RsmResult,
  unlimited,
  unsupported,
  xml,
} from '@jackdaw/xmpp'
import { when, whenAll } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { refusal, type Relation } from './access.ts'
import type { Engine } from './engine.ts'
import type { Node } from './node.ts'
import { publisherOf } from './notify.ts'
import { pageOf } from './pages.ts'

/** XEP-0060 §6.5 */
export function retrieve(
  engine: Engine,
  node: Node,
  from: Jid,
  relation: Relation,
  request: PubsubRequest & { verb: 'items' },
): Awaitable<Element> {
  const refused = refusal(node, from, relation, 'read')
  if (refused) throw refused
  checkSubid(node, from, request.subid)
  if (!node.config.persist_items) throw unsupported('persistent-items')
  const { ids, maxItems, set } = request
  const all = [...node.items.keys()]
  if (ids.length > 0) {
    const wanted = new Set(ids)
    return when(read(engine, node, all.filter((id) => wanted.has(id)).slice(0, engine.limits.page)), (items) =>
      pubsub(xml('items', pubsubNs, { node: node.id }, ...items)),
    )
  }
  // §6.5.7: the newest.
  const few = maxItems === undefined ? all : maxItems === 0 ? [] : all.slice(-maxItems)
  // §6.5.4: of those that do not fit into one answer, also the newest, unless the page is chosen.
  const page = pageOf(few, set ?? { before: '' }, engine.limits.page)
  return when(read(engine, node, page.ids), (items) =>
    pubsub(
      xml('items', pubsubNs, { node: node.id }, ...items),
      set || page.ids.length < few.length ? RsmResult.write(page.result) : undefined,
    ),
  )
}

/** Items with their payloads; those that have gone meanwhile are left out. */
export function read(engine: Engine, node: Node, ids: readonly string[]): Awaitable<Element[]> {
  const payloads = ids.map((id) => engine.shelves.payload(node, id))
  return whenAll(payloads, (texts) =>
    texts.flatMap((payload, i) => (payload === undefined ? [] : [itemElement(node, ids[i]!, payload)])),
  )
}

function itemElement(node: Node, id: string, payload: string): Element {
  const head = node.items.get(id)
  const publisher = head && node.config.itemreply === 'publisher' ? publisherOf(node, head[2]) : undefined
  return xml('item', pubsubNs, { id, publisher }, payload === '' ? undefined : parse(payload, unlimited))
}

/** §6.5.9.1, §6.5.9.2 */
function checkSubid(node: Node, from: Jid, subid: string | undefined): void {
  const own = node.subscriptionsOf(from)
  if (subid !== undefined) {
    if (own.length > 0 && !own.some((one) => one.subid === subid)) throw pubsubError('invalid-subid')
    return
  }
  for (const { jid } of own)
    if (own.filter((one) => one.jid === jid).length > 1)
      throw pubsubError('subid-required', 'You have more than one subscription')
}
