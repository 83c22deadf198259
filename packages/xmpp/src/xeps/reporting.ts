import { type Element, xml } from '../xml/element.ts'
import { StanzaId, stanzaIdNs } from './stanza-id.ts'

export const reportingNs = 'urn:xmpp:reporting:1'

/** XEP-0377 §4: why somebody is reported. */
export interface Report {
  /** A URN; the extension defines `urn:xmpp:reporting:spam` and `urn:xmpp:reporting:abuse`. */
  readonly reason: string
  /** What the reporter says about it, in one language or several. */
  readonly texts: readonly { readonly lang?: string | undefined; readonly text: string }[]
  /** §6: messages in the archive that are meant. */
  readonly messages: readonly StanzaId[]
  /** §5: what the reporter allows to be done with it. */
  readonly mayReachOrigin: boolean
  readonly mayReachThirdParties: boolean
}

/** The report that stands in an item of a block list; undefined when there is none, or one that gives no reason. */
export function readReport(item: Element): Report | undefined {
  const element = item.child('report', reportingNs)
  const reason = element?.attr('reason')
  if (!element || reason === undefined) return undefined
  return {
    reason,
    texts: element
      .elements()
      .filter(({ name, ns }) => name === 'text' && ns === reportingNs)
      .map((text) => ({ lang: text.attr('xml:lang'), text: text.text.trim() })),
    messages: element.elements().flatMap(stanzaIdIn),
    mayReachOrigin: element.child('report-origin') !== undefined,
    mayReachThirdParties: element.child('third-party') !== undefined,
  }
}

export function writeReport({ reason, texts, messages, mayReachOrigin, mayReachThirdParties }: Report): Element {
  return xml(
    'report',
    reportingNs,
    { reason },
    ...messages.map(StanzaId.write),
    ...texts.map(({ lang, text }) => xml('text', reportingNs, { 'xml:lang': lang }, text)),
    mayReachOrigin ? xml('report-origin', reportingNs) : undefined,
    mayReachThirdParties ? xml('third-party', reportingNs) : undefined,
  )
}

/** One that is not well written is left out: §6 lets no report stand in the way of the blocking. */
function stanzaIdIn(element: Element): StanzaId[] {
  if (element.ns !== stanzaIdNs || element.name !== StanzaId.name) return []
  try {
    return [StanzaId.read(element)]
  } catch {
    return []
  }
}
