import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const registerNs = 'jabber:iq:register'

/** XEP-0077 §3: which fields a service asks for (as empty strings), what it has on file, or what an entity answers. */
export interface Registration {
  /** The entity has registered already. */
  readonly isRegistered?: boolean | undefined
  readonly instructions?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** The entity gives up its registration (§3.2). */
  readonly isRemoval?: boolean | undefined
}

/** `<query/>` of jabber:iq:register. Reading throws a StanzaError bad-request when a removal says more than that. */
export const Registration: Payload<Registration> = {
  name: 'query',
  ns: registerNs,
  read(element) {
    const isRemoval = element.child('remove') !== undefined
    // §3.2
    if (isRemoval && element.elements().length > 1) throw new StanzaError('bad-request', '<remove/> stands alone')
    return {
      isRegistered: element.child('registered') !== undefined,
      instructions: element.child('instructions')?.text,
      username: element.child('username')?.text,
      password: element.child('password')?.text,
      isRemoval,
    }
  },
  write({ isRegistered, instructions, username, password, isRemoval }) {
    return xml(
      'query',
      registerNs,
      {},
      isRegistered ? xml('registered', registerNs) : undefined,
      leaf('instructions', instructions),
      leaf('username', username),
      leaf('password', password),
      isRemoval ? xml('remove', registerNs) : undefined,
    )
  },
}

/** What a server that takes registrations puts into its stream features (XEP-0077 §8). */
export const registerFeature = xml('register', 'http://jabber.org/features/iq-register')

function leaf(name: string, text: string | undefined) {
  return text === undefined ? undefined : xml(name, registerNs, {}, text)
}
