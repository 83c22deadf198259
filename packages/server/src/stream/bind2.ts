import { bind2Bound, bind2Feature, bind2Ns, type Element, type Jid, SaslError, StanzaError } from '@jackdaw/xmpp'
import type { StreamSession } from './bound.ts'
import type { StreamFeature } from './features.ts'
import { offers } from './offers.ts'
import type { Stream } from './stream.ts'

const offerOf = offers(bind2Feature)

/** Binds a resource whose name begins with `tag`; older sessions of the same client (its user-agent's id) end. @throws StanzaError */
type Binder = (stream: Stream, account: Jid, tag: string | undefined, client: string | undefined) => StreamSession

/** XEP-0386 1.1.0 */
export function bind2(binder: Binder): StreamFeature {
  return {
    name: 'Bind 2',
    inline: {
      offer(stream) {
        const features = [...stream.host!.streamFeatures]
        return offerOf(features.flatMap(({ binding }) => binding?.name ?? []))
      },
      async prepare(stream, { account, userAgent, requests }) {
        const request = requests.find((one) => one.name === 'bind' && one.ns === bind2Ns)
        if (!request) return undefined
        const acts: ((session: StreamSession) => Element | undefined)[] = []
        for (const { binding } of stream.host!.streamFeatures) {
          const act = await binding?.prepare(account, request)
          if (act) acts.push(act)
        }
        return () => {
          // §3.2: a resumed session has its resource.
          if (stream.session) return { said: undefined }
          const session = bound(() => binder(stream, account, request.child('tag')?.text, userAgent?.id))
          const results = acts.map((act) => act(session))
          stream.bound(session)
          return { said: bind2Bound(results) }
        }
      },
    },
  }
}

/** Nothing says how a binding fails; so the login does, for now. */
function bound(bind: () => StreamSession): StreamSession {
  try {
    return bind()
  } catch (error) {
    if (error instanceof StanzaError) throw new SaslError('temporary-auth-failure', error.text)
    throw error
  }
}
