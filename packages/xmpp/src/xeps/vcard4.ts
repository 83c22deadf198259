/** XEP-0292 §3: the vCards of RFC 6351, published at the node `urn:xmpp:vcard4`. */
export const vcard4Ns = 'urn:ietf:params:xml:ns:vcard-4.0'
