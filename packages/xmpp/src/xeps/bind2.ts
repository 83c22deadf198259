import { type Element, xml } from '../xml/element.ts'

/** XEP-0386 */
export const bind2Ns = 'urn:xmpp:bind:0'

/** §3.1: stands in SASL2's `<inline/>`; `features` can be enabled along with it. */
export function bind2Feature(features: readonly string[]): Element {
  const inline = xml('inline', bind2Ns, {}, ...features.map((name) => xml('feature', bind2Ns, { var: name })))
  return xml('bind', bind2Ns, {}, features.length > 0 ? inline : undefined)
}

/** §3.2: `<bound/>` with what the features that were asked for have to say. */
export function bind2Bound(results: readonly (Element | undefined)[]): Element {
  return xml('bound', bind2Ns, {}, ...results)
}
