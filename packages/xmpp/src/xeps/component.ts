/** XEP-0114: the content namespace of a component's stream. */
export const componentNs = 'jabber:component:accept'
/** §3: the one element of its negotiation; what it holds proves that both know the same secret. */
export const handshakeName = 'handshake'
