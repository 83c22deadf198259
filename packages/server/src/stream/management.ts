import { type Element, type Jid, smNs as ns, StanzaError, StreamError, xml } from '@jackdaw/xmpp'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import type { StreamSession } from './bound.ts'
import type { Inlined, StreamFeature } from './features.ts'
import { type Stream, tooHigh } from './stream.ts'

/** What stream management needs of the sessions. */
export interface Resumption {
  /** `host[:port]` that a client should come back to; undefined: any. */
  location(): string | undefined
  /** The session that the token names, if it is the account's and can be resumed. */
  find(
    id: string,
    account: Jid,
  ):
    | (StreamSession & { end(): void; release(): Awaitable<void>; attach(stream: Stream): void; repeat(): void })
    | undefined
}

const offer = xml('sm', ns)

/** XEP-0198 1.6.3: acknowledgements and resumption. */
export function management(resumption: Resumption): StreamFeature {
  return {
    name: 'stream management',
    ns,
    offer: (stream) => (!stream.has('authenticated') || stream.has('bound') ? undefined : offer),
    negotiate(stream, element) {
      switch (element.name) {
        case 'enable':
          return enable(stream, element, resumption.location())
        case 'resume':
          if (!stream.account || stream.session) return fail(stream, 'unexpected-request')
          return when(resume(stream, element, stream.account, resumption), (act) => {
            if (stream.isOver) return
            const { said, resumed } = act()
            stream.send(said!)
            resumed?.()
          })
        case 'r':
          if (!stream.session?.isManaged) return fail(stream, 'unexpected-request')
          return stream.acknowledge(stream.session.handled)
        case 'a':
          if (!stream.session?.isManaged) return fail(stream, 'unexpected-request')
          return stream.acknowledged(count(element))
        default:
          return fail(stream, 'feature-not-implemented')
      }
    },
    inline: {
      offer: () => offer,
      prepare(stream, { requests, account }) {
        const request = requests.find((one) => one.name === 'resume' && one.ns === ns)
        return request && resume(stream, request, account, resumption)
      },
    },
    binding: {
      name: ns,
      prepare(_, request) {
        const element = request.child('enable', ns)
        return element && ((session) => manage(session, element, resumption.location()))
      },
    },
  }
}

/** §3 */
function enable(stream: Stream, element: Element, location: string | undefined): void {
  const { session } = stream
  if (!session) return fail(stream, 'unexpected-request')
  if (session.isManaged) throw new StreamError('policy-violation', 'Stream management is enabled already')
  stream.send(manage(session, element, location))
}

function manage(session: StreamSession, element: Element, location: string | undefined): Element {
  const max = element.attr('max')
  if (max !== undefined && !isCount(max)) return failed('bad-request')
  const granted = session.manage(isTrue(element.attr('resume')), max === undefined ? undefined : Number(max))
  return xml('enabled', ns, granted && { resume: 'true', id: granted.id, max: String(granted.seconds), location })
}

/** §5: what is returned carries the session on, unless that has become impossible. */
function resume(stream: Stream, element: Element, account: Jid, resumption: Resumption): Awaitable<() => Inlined> {
  const previd = element.attr('previd')
  if (previd === undefined || !isCount(element.attr('h') ?? '')) return () => ({ said: failed('bad-request') })
  const session = resumption.find(previd, account)
  if (!session) return () => ({ said: failed('item-not-found') })
  const h = count(element)
  const { sent } = session
  if (!session.acknowledge(h)) {
    // Its two sides will never agree again.
    session.end()
    throw tooHigh(h, sent)
  }
  // A stanza of the old stream whose handling waits would else be sent again, and be handled twice.
  return when(session.release(), () => () => {
    if (!resumption.find(previd, account)) return { said: failed('item-not-found') }
    session.attach(stream)
    stream.bound(session)
    return {
      said: xml('resumed', ns, { previd, h: String(session.handled) }),
      resumed: () => session.repeat(),
    }
  })
}

type Failure = 'unexpected-request' | 'item-not-found' | 'bad-request' | 'feature-not-implemented'

function fail(stream: Stream, condition: Failure): void {
  stream.send(failed(condition))
}

function failed(condition: Failure): Element {
  const [named] = new StanzaError(condition).toElement().elements()
  return xml('failed', ns, {}, named)
}

function count(element: Element): number {
  const h = element.attr('h') ?? ''
  if (!isCount(h)) throw new StreamError('bad-format', "'h' is a count of stanzas")
  return Number(h)
}

/** An xs:unsignedInt. */
function isCount(text: string): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) < 2 ** 32
}

function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1'
}
