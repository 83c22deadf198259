import {
  type Element,
  type Iq,
  iq,
  Jid,
  JidError,
  registerFeature,
  registerNs,
  Registration,
  Stanza,
  StanzaError,
} from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'
import type { Stream } from '../stream/stream.ts'
import type { Awaitable } from '../world.ts'

/** Who may make an account before logging in, and what that takes. */
export interface Admission {
  /** Whether the stream's features name it. */
  isOffered(stream: Stream): boolean
  /** Whether it admits who is on this stream. */
  admits(stream: Stream): boolean
  /** The name that the account must have; undefined leaves it to the client. */
  name?(stream: Stream): string | undefined
  /** Makes the account. Throws a StanzaError. */
  register(stream: Stream, account: Jid, password: string): Promise<void>
}

/** The exchange of XEP-0077 §3.1 with clients that have not logged in. Other modules say whom it admits. */
export const inBand = defineModule({
  name: 'in-band',
  start(host) {
    const admissions = new Set<Admission>()

    host.streamFeature({
      name: 'in-band registration',
      ns: registerNs,
      forbids: ['authenticated'],
      offer: (stream) =>
        isSafe(stream) && [...admissions].some((one) => one.isOffered(stream)) ? registerFeature : undefined,
      negotiate: (stream, element) => answerStranger(stream, element, serve),
    })

    async function serve(stream: Stream, type: 'get' | 'set', payload: Element): Promise<Element | undefined> {
      if (payload.name !== Registration.name) throw new StanzaError('service-unavailable')
      const wish = Registration.read(payload)
      const admission = [...admissions].find((one) => one.admits(stream))
      if (!admission) throw new StanzaError('not-allowed', 'Accounts are made by the administrator here')
      if (!isSafe(stream)) throw new StanzaError('not-authorized', 'The connection must be encrypted first')
      if (type === 'get')
        return Registration.write({
          instructions: 'Choose a name and a password.',
          username: admission.name?.(stream) ?? '',
          password: '',
        })
      if (wish.isRemoval) throw new StanzaError('unexpected-request', 'Log in to remove your account')
      const { username = '', password = '' } = wish
      const account = accountNamed(username, host.domain)
      host.accounts.checkPassword(account, password)
      await admission.register(stream, account, password)
      host.log.info({ account: String(account), address: stream.transport.address }, 'an account was made in-band')
      return undefined
    }

    return {
      /** Returns what takes it back. The first that admits a stream is asked. */
      admit(admission: Admission): () => void {
        admissions.add(admission)
        return () => void admissions.delete(admission)
      },
    }
  },
})

/** Answers an IQ of a client that has not logged in (RFC 6120 §8.2.3). */
export async function answerStranger(
  stream: Stream,
  element: Element,
  serve: (stream: Stream, type: 'get' | 'set', payload: Element) => Awaitable<Element | undefined>,
): Promise<void> {
  const type = element.attr('type')
  if (type === 'result' || type === 'error') return
  const { domain } = stream.host!
  const id = element.attr('id')
  try {
    const request = readRequest(element, domain)
    stream.send(iq({ type: 'result', id, from: domain }, await serve(stream, request.type, request.payload)))
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    stream.send(iq({ type: 'error', id, from: domain }, error.toElement()))
  }
}

function readRequest(element: Element, domain: Jid): { readonly type: 'get' | 'set'; readonly payload: Element } {
  const { id, type, to } = Stanza.from(element) as Iq
  const [payload, ...more] = element.elements()
  if (id === undefined || (type !== 'get' && type !== 'set') || more.length > 0)
    throw new StanzaError('bad-request', 'A request has an id, the type get or set, and one payload')
  if (to && !to.equals(domain)) throw new StanzaError('not-allowed', `This stream is for ${domain} only`)
  return { type, payload: payload! }
}

/** The account that the name, prepared as a localpart (RFC 7622 §3.3), stands for. */
export function accountNamed(username: string, { domain }: Jid): Jid {
  try {
    return Jid.of({ local: username, domain })
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('not-acceptable', `The name cannot be used: ${error.message}`)
    throw error
  }
}

/** XEP-0077 §11: nothing is registered over a channel that others may read, unless logins are allowed on it too. */
function isSafe(stream: Stream): boolean {
  return stream.has('secure') || stream.host!.allowsPlaintext(stream.transport.address)
}
