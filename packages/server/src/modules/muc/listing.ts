import {
  DiscoItems,
  type DiscoItem,
  type Element,
  type Iq,
  Jid,
  RsmRequest,
  RsmResult,
  StanzaError,
} from '@jackdaw/xmpp'
import type { MucHost } from './room.ts'

/** XEP-0045 §6.3: the rooms that everybody may find, in the order of their addresses, a page at a time (XEP-0059). */
export async function listing({ config, stores }: MucHost, iq: Iq): Promise<Element> {
  const query = iq.first()!
  const node = query.attr('node')
  if (node !== undefined) throw new StanzaError('item-not-found', `There is no node ${node}`)
  const asked = query.child(RsmRequest.name, RsmRequest.ns)
  const { after, before, index, max = config.page } = asked ? RsmRequest.read(asked) : {}
  if (before !== undefined || index !== undefined)
    throw new StanzaError('feature-not-implemented', 'The list is read from its beginning')
  const most = Math.min(max, config.page)
  const items: DiscoItem[] = []
  let isComplete = true
  for await (const [jid, name] of stores.listed.owners('room', after)) {
    if (items.length === most) {
      isComplete = false
      break
    }
    items.push({ jid: Jid.parse(jid), name: name || undefined })
  }
  const answer = DiscoItems.write({ items })
  if (asked === undefined && isComplete) return answer
  return answer.append(RsmResult.write({ first: items[0]?.jid.toString(), last: items.at(-1)?.jid.toString() }))
}
