/** RFC 6120 §4.8.3: the content namespace of a client's stream; stanzas carry it everywhere inside Jackdaw. */
export const clientNs = 'jabber:client'
/** RFC 6120 §4.8.1: the namespace of `<stream:stream/>`, `<stream:features/>` and `<stream:error/>`. */
export const streamNs = 'http://etherx.jabber.org/streams'
/** XEP-0198 */
export const smNs = 'urn:xmpp:sm:3'
