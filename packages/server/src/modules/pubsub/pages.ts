import { type RsmRequest, type RsmResult, StanzaError } from '@jackdaw/xmpp'

/** XEP-0059: a page of a list. @throws StanzaError item-not-found when the request names what is not in it */
export function pageOf(
  all: readonly string[],
  { after, before, index, max = Infinity }: RsmRequest,
  most: number,
): { readonly ids: readonly string[]; readonly result: RsmResult } {
  const size = Math.min(max, most)
  let [start, end] = [0, all.length]
  if (after !== undefined) start = placeOf(all, after) + 1
  if (before !== undefined && before !== '') end = placeOf(all, before)
  if (index !== undefined) {
    // §2.6
    if (index > all.length) throw new StanzaError('item-not-found', 'There are not so many')
    start = index
  }
  if (before === undefined) end = Math.min(end, start + size)
  else start = Math.max(start, end - size)
  const ids = all.slice(start, Math.max(start, end))
  return {
    ids,
    result: { first: ids[0], index: ids.length > 0 ? start : undefined, last: ids.at(-1), count: all.length },
  }
}

function placeOf(all: readonly string[], id: string): number {
  const place = all.indexOf(id)
  if (place < 0) throw new StanzaError('item-not-found', `There is no ${id}`)
  return place
}
