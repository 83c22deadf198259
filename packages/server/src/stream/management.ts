import { type Element, type Jid, smNs as ns, StanzaError, StreamError, xml } from '@jackdaw/xmpp'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import type { StreamSession } from './bound.ts'
import type { StreamFeature } from './features.ts'
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

/** XEP-0198 1.6.3: acknowledgements and resumption. */
export function management(resumption: Resumption): StreamFeature {
  return {
    name: 'stream management',
    ns,
    offer: (stream) => (!stream.has('authenticated') || stream.has('bound') ? undefined : xml('sm', ns)),
    negotiate(stream, element) {
      switch (element.name) {
        case 'enable':
          return enable(stream, element, resumption.location())
        case 'resume':
          return resume(stream, element, resumption)
        case 'r':
          if (!stream.session?.isManaged) return fail(stream, 'unexpected-request')
          return stream.send(xml('a', ns, { h: String(stream.session.handled) }))
        case 'a':
          if (!stream.session?.isManaged) return fail(stream, 'unexpected-request')
          return stream.acknowledged(count(element))
        default:
          return fail(stream, 'feature-not-implemented')
      }
    },
  }
}

/** §3 */
function enable(stream: Stream, element: Element, location: string | undefined): void {
  const { session } = stream
  if (!session) return fail(stream, 'unexpected-request')
  if (session.isManaged) throw new StreamError('policy-violation', 'Stream management is enabled already')
  const max = element.attr('max')
  if (max !== undefined && !isCount(max)) return fail(stream, 'bad-request')
  const granted = session.manage(isTrue(element.attr('resume')), max === undefined ? undefined : Number(max))
  stream.send(xml('enabled', ns, granted && { resume: 'true', id: granted.id, max: String(granted.seconds), location }))
}

/** §5 */
function resume(stream: Stream, element: Element, resumption: Resumption): Awaitable<void> {
  if (!stream.account || stream.session) return fail(stream, 'unexpected-request')
  const previd = element.attr('previd')
  if (previd === undefined || !isCount(element.attr('h') ?? '')) return fail(stream, 'bad-request')
  const session = resumption.find(previd, stream.account!)
  if (!session) return fail(stream, 'item-not-found')
  const h = count(element)
  const { sent } = session
  if (!session.acknowledge(h)) {
    // Its two sides will never agree again.
    session.end()
    throw tooHigh(h, sent)
  }
  // A stanza of the old stream whose handling waits would else be sent again, and be handled twice.
  return when(session.release(), () => {
    if (stream.isOver) return
    if (!resumption.find(previd, stream.account!)) return fail(stream, 'item-not-found')
    session.attach(stream)
    stream.send(xml('resumed', ns, { previd, h: String(session.handled) }))
    session.repeat()
    stream.bound(session)
  })
}

function fail(
  stream: Stream,
  condition: 'unexpected-request' | 'item-not-found' | 'bad-request' | 'feature-not-implemented',
): void {
  const [named] = new StanzaError(condition).toElement().elements()
  stream.send(xml('failed', ns, {}, named))
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
