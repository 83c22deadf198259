/** XEP-0444: emoji with which people react to a message. */
export const reactionsNs = 'urn:xmpp:reactions:0'
