import { type Element, xml } from '../xml/element.ts'

/** XEP-0440 */
export const channelBindingNs = 'urn:xmpp:sasl-cb:0'

/** §2: the types of channel binding that a server knows on this connection; stands in the stream features. */
export function channelBindingFeature(types: readonly string[]): Element {
  return xml(
    'sasl-channel-binding',
    channelBindingNs,
    {},
    ...types.map((type) => xml('channel-binding', channelBindingNs, { type })),
  )
}

/** The types that the feature lists. */
export function channelBindingTypes(feature: Element): string[] {
  return feature.elements().flatMap((one) => (one.name === 'channel-binding' ? [one.attr('type') ?? ''] : []))
}
