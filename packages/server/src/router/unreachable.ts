import { StanzaError } from '@jackdaw/xmpp'

/** The domain cannot be reached. Who has a session is told in the same commit; a module later, not in the middle of what it is doing. */
export class UnreachableError extends StanzaError {}
