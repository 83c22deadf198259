import { type Element, iq, type Jid, JidError, StanzaError, xml } from '@jackdaw/xmpp'
import { attempt, when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import type { StreamSession } from './bound.ts'
import type { StreamFeature } from './features.ts'
import type { Stream } from './stream.ts'

const ns = 'urn:ietf:params:xml:ns:xmpp-bind'

type Binder = (stream: Stream, account: Jid, resource: string | undefined) => Awaitable<StreamSession>

/** RFC 6120 §7 */
export function bind(binder: Binder): StreamFeature {
  const offer = xml('bind', ns)
  return {
    name: 'resource binding',
    ns,
    needs: ['authenticated'],
    forbids: ['bound'],
    offer: () => offer,
    negotiate(stream, element) {
      const id = element.attr('id')
      const bound = (session: StreamSession) => {
        // It may have gone while the account was looked up.
        if (stream.isOver) return session.detach(stream, true)
        stream.send(iq({ type: 'result', id }, xml('bind', ns, {}, xml('jid', ns, {}, session.jid.toString()))))
        stream.bound(session)
      }
      const refuse = (error: unknown) => {
        if (!(error instanceof StanzaError)) throw error
        stream.send(iq({ type: 'error', id }, error.toElement()))
      }
      const account = stream.account!
      return attempt(() => when(binder(stream, account, resourceOf(element, account)), bound), refuse)
    },
  }
}

function resourceOf(element: Element, account: Jid): string | undefined {
  const request = element.child('bind', ns)
  if (element.attr('type') !== 'set' || element.attr('id') === undefined || !request)
    throw new StanzaError('bad-request')
  const resource = request.child('resource')?.text
  if (resource === undefined || resource === '') return undefined
  try {
    return account.withResource(resource).resource
  } catch (error) {
    // §7.7.2.1
    if (error instanceof JidError) throw new StanzaError('bad-request', error.message)
    throw error
  }
}
