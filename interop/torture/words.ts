import { clientNs, type Element, retractionNs, rsmNs, xml } from '@jackdaw/xmpp'
import type { Entry } from './events.ts'

const formNs = 'jabber:x:data'

/** XEP-0059: the page behind that. */
export function paging(after: string | undefined, max = 100): Element {
  const place = after === undefined ? undefined : xml('after', rsmNs, {}, after)
  return xml('set', rsmNs, {}, xml('max', rsmNs, {}, String(max)), place)
}

/** The last of a page. */
export function lastOf(answer: Element | undefined): string | undefined {
  return answer?.child('set', rsmNs)?.child('last')?.text
}

export function form(type: string, fields: Readonly<Record<string, string>>): Element {
  const all = Object.entries({ FORM_TYPE: type, ...fields }).map(([name, value]) =>
    xml('field', formNs, { var: name }, xml('value', formNs, {}, value)),
  )
  return xml('x', formNs, { type: 'submit' }, ...all)
}

/** What stands in a message. */
export function entryOf(message: Element): Entry {
  return {
    id: message.attr('id') ?? '',
    body: message.child('body', clientNs)?.text ?? '',
    isTombstone: message.child('retracted', retractionNs) !== undefined,
  }
}

/** XEP-0424 §3, with the text for clients that do not know it. */
export function retraction(of: string, text: string): Element[] {
  return [xml('retract', retractionNs, { id: of }), xml('body', clientNs, {}, text)]
}
