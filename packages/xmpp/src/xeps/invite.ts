/** XEP-0401: the nodes of its commands begin with it. */
export const inviteNs = 'urn:xmpp:invite'
