/** XEP-0333: what of a conversation has been displayed. */
export const chatMarkersNs = 'urn:xmpp:chat-markers:0'
