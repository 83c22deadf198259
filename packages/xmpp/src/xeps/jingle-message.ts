/** XEP-0353: somebody calls, before a session is negotiated. */
export const jingleMessageNs = 'urn:xmpp:jingle-message:0'
