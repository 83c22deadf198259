import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { clientNs } from '../namespaces.ts'
import { type Message, message, Stanza } from '../stanza.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Forwarded, forwardingNs } from './forwarding.ts'

export const carbonsNs = 'urn:xmpp:carbons:2'

/** `<enable/>` (XEP-0280 §4). */
export const EnableCarbons: Payload<void> = empty('enable')
/** `<disable/>` (XEP-0280 §5). */
export const DisableCarbons: Payload<void> = empty('disable')

/** `<sent/>`: a copy of what another resource of the account sent (XEP-0280 §8). */
export const SentCarbon: Payload<Forwarded> = copy('sent')
/** `<received/>`: a copy of what was delivered to another resource of the account (XEP-0280 §7). */
export const ReceivedCarbon: Payload<Forwarded> = copy('received')

/** The copy of a message for one resource of the account (XEP-0280 §7, §8). */
export function carbon(kind: Payload<Forwarded>, original: Message, to: Jid): Message {
  return message({ to, from: to.bare, type: original.type }, kind.write({ stanza: original }))
}

/** Whether the sender asked that no copies be made (XEP-0280 §9). */
export function isPrivate(original: Message): boolean {
  return original.child('private', carbonsNs) !== undefined
}

/** Whether the message is, or pretends to be, a copy of another. */
export function isCarbon(of: Message): boolean {
  return of.child('received', carbonsNs) !== undefined || of.child('sent', carbonsNs) !== undefined
}

/** The message that a copy holds, if it is one; `Stanza.from` says what is wrong with it. */
export function carbonOriginal(of: Message): Message | undefined {
  const copied = of.child('received', carbonsNs) ?? of.child('sent', carbonsNs)
  const original = copied?.child('forwarded', forwardingNs)?.child('message', clientNs)
  return original && (Stanza.from(original) as Message)
}

function empty(name: string): Payload<void> {
  return { name, ns: carbonsNs, read: () => undefined, write: () => xml(name, carbonsNs) }
}

function copy(name: string): Payload<Forwarded> {
  return {
    name,
    ns: carbonsNs,
    read(element) {
      const child = element.child(Forwarded.name, Forwarded.ns)
      if (!child) throw new StanzaError('bad-request', 'A carbon copy forwards a message')
      return Forwarded.read(child)
    },
    write: (value) => xml(name, carbonsNs, undefined, Forwarded.write(value)),
  }
}
