import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const rsmNs = 'http://jabber.org/protocol/rsm'

/** XEP-0059 §2: which page of a result set is asked for. */
export interface RsmRequest {
  /** At most that many items; 0 asks for their number alone (§2.7). */
  readonly max?: number | undefined
  /** The page that follows the item with this id. */
  readonly after?: string | undefined
  /** The page that precedes the item with this id; '' asks for the last page (§2.5). */
  readonly before?: string | undefined
  /** The page that starts at this place, from 0 (§2.6). */
  readonly index?: number | undefined
}

/** Which page of a result set this is. `first` and `last` are missing from an empty page. */
export interface RsmResult {
  readonly first?: string | undefined
  /** The place of the first item in the whole set, from 0; may be approximate. */
  readonly index?: number | undefined
  readonly last?: string | undefined
  /** The number of items of the whole set; may be approximate. */
  readonly count?: number | undefined
}

/** `<set/>` in a request. */
export const RsmRequest: Payload<RsmRequest> = {
  name: 'set',
  ns: rsmNs,
  read: (element) => ({
    max: number(element.child('max')),
    after: element.child('after')?.text,
    before: element.child('before')?.text,
    index: number(element.child('index')),
  }),
  write: ({ max, after, before, index }) =>
    xml('set', rsmNs, undefined, leaf('max', max), leaf('after', after), leaf('before', before), leaf('index', index)),
}

/** `<set/>` in an answer. */
export const RsmResult: Payload<RsmResult> = {
  name: 'set',
  ns: rsmNs,
  read(element) {
    const first = element.child('first')
    const index = first?.attr('index')
    return {
      first: first?.text,
      index: index === undefined ? undefined : whole(index),
      last: element.child('last')?.text,
      count: number(element.child('count')),
    }
  },
  write: ({ first, index, last, count }) =>
    xml(
      'set',
      rsmNs,
      undefined,
      first === undefined ? undefined : xml('first', rsmNs, { index: index?.toString() }, first),
      leaf('last', last),
      leaf('count', count),
    ),
}

function leaf(name: string, value: string | number | undefined): Element | undefined {
  return value === undefined ? undefined : xml(name, rsmNs, undefined, String(value))
}

function number(element: Element | undefined): number | undefined {
  return element && whole(element.text)
}

/** xs:int, and not below zero. */
function whole(text: string): number {
  const digits = text.trim()
  const value = /^\+?\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN
  if (!(value <= 0x7fffffff)) throw new StanzaError('bad-request', `${text} is not a number of items`)
  return value
}
