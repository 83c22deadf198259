import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { type MamFilter, readMamFilter, writeMamFilter } from './mam.ts'

/** No XEP says how the owner of an archive erases what is in it, so this is Jackdaw's own; docs/own-extensions.md describes it. */
export const erasureNs = 'urn:jackdaw:erasure:0'

/** `<erase/>`: what is to be erased, by the form of XEP-0313 §4.1; without a form everything. */
export const Erase: Payload<MamFilter> = {
  name: 'erase',
  ns: erasureNs,
  read: readMamFilter,
  write: (filter) => xml('erase', erasureNs, undefined, writeMamFilter(filter)),
}

/** `<erased/>`: how many messages were. */
export const Erased: Payload<{ readonly count: number }> = {
  name: 'erased',
  ns: erasureNs,
  read: (element) => ({ count: countOf(element) }),
  write: ({ count }) => xml('erased', erasureNs, { count: String(count) }),
}

function countOf(element: Element): number {
  const count = Number(element.attr('count'))
  if (!Number.isSafeInteger(count)) throw new StanzaError('bad-request', 'A count is a number')
  return count
}
