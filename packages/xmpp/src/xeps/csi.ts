import { xml } from '../xml/element.ts'

/** XEP-0352: `<active/>` and `<inactive/>`, which a client sends outside of stanzas. */
export const csiNs = 'urn:xmpp:csi:0'

/** §4.1: stands in the stream features. */
export const csiFeature = xml('csi', csiNs)
