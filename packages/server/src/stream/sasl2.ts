import {
  type Authenticate,
  type Element,
  type Jid,
  readAuthenticate,
  readData,
  SaslError,
  sasl2Challenge,
  sasl2Continue,
  sasl2Feature,
  sasl2Inline,
  sasl2Ns,
  sasl2Success,
  type ServerMechanism,
  StreamError,
} from '@jackdaw/xmpp'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { type Authenticator, type Outcome, refuse } from './authenticator.ts'
import type { InlineFeature, StreamFeature } from './features.ts'
import type { Stream } from './stream.ts'
import type { Upgraded, Upgrades } from './upgrades.ts'

type Check = (stream: Stream, account: Jid) => Awaitable<void>

/** An account, by its bare JID, has been proved, and its tasks are done. */
type Proved = Upgraded | (Extract<Outcome, { account: Jid }> & { readonly prepare?: undefined })

/** XEP-0388 1.0.4. `check` throws a StreamError for an account that is no more. */
export function sasl2(authenticator: Authenticator, check: Check, upgrades: Upgrades): StreamFeature {
  /** What was offered last, by the mechanisms in it: the same element for the same offers (announcement.ts). */
  const made = new Map<string, { readonly inline: readonly Element[]; readonly offer: Element }>()
  return {
    name: 'SASL2',
    ns: sasl2Ns,
    // §3
    needs: ['secure'],
    forbids: ['authenticated'],
    offer(stream) {
      const offered = authenticator.offered(stream)
      if (offered.length === 0) return undefined
      const inline: Element[] = []
      for (const feature of inlineFeatures(stream)) {
        const offer = feature.offer(stream)
        if (offer) inline.push(offer)
      }
      const names = offered.join(' ')
      const before = made.get(names)
      if (before?.inline.length === inline.length && before.inline.every((one, at) => one === inline[at]))
        return before.offer
      const offer = sasl2Feature(offered, sasl2Inline(inline), ...upgrades.offer(offered))
      made.set(names, { inline, offer })
      return offer
    },
    async negotiate(stream, element) {
      try {
        const step = await take(stream, element, authenticator, upgrades)
        if ('said' in step) return stream.send(step.said)
        await finish(stream, step, check)
        upgrades.forget(stream)
      } catch (error) {
        stream.login = undefined
        upgrades.forget(stream)
        await refuse(stream, error, (failure) => stream.send(failure.toElement(sasl2Ns)))
      }
    },
  }
}

async function take(
  stream: Stream,
  element: Element,
  authenticator: Authenticator,
  upgrades: Upgrades,
): Promise<Proved | { readonly said: Element }> {
  switch (element.name) {
    case 'next':
      return { said: upgrades.next(stream, element) }
    case 'task-data': {
      const done = await upgrades.take(stream, element)
      return typeof done === 'string' ? { said: sasl2Continue(undefined, done) } : done
    }
    default: {
      const outcome = await exchange(stream, element, authenticator)
      if ('challenge' in outcome) return { said: sasl2Challenge(outcome.challenge) }
      // §2.3, RFC 6120 §4.9.3.9: no header follows that could tell it otherwise.
      if (!stream.mayBe(outcome.account)) throw new SaslError('invalid-authzid', 'The stream is from somebody else')
      const task = await upgrades.begin(stream, outcome.account)
      return task === undefined ? outcome : { said: sasl2Continue(outcome.additional, task) }
    }
  }
}

function exchange(stream: Stream, element: Element, authenticator: Authenticator): Awaitable<Outcome> {
  switch (element.name) {
    case 'authenticate': {
      // §2.4: while one goes on there is no other.
      if (stream.login) throw new StreamError('not-authorized', 'You are logging in')
      const login = readAuthenticate(element)
      stream.login = login
      return authenticator.begin(stream, sasl2Ns, mechanismOf(stream, login, authenticator), () => login.initial)
    }
    case 'response':
      return authenticator.respond(stream, sasl2Ns, () => readData(element))
    case 'abort':
      throw new SaslError('aborted')
    default:
      throw new SaslError('malformed-request')
  }
}

function mechanismOf(stream: Stream, login: Authenticate, authenticator: Authenticator): ServerMechanism {
  for (const feature of inlineFeatures(stream)) {
    const mechanism = feature.mechanism?.(stream, login, authenticator.crypto)
    if (mechanism) return mechanism
  }
  return authenticator.mechanism(stream, login.mechanism)
}

async function finish(stream: Stream, { account, additional, prepare }: Proved, check: Check): Promise<void> {
  await check(stream, account)
  const login = { ...stream.login!, account }
  const acts: Awaited<ReturnType<InlineFeature['prepare']>>[] = []
  for (const feature of inlineFeatures(stream)) acts.push(await feature.prepare(stream, login))
  // Nothing in between: keys that are replaced are those that were read.
  await when(prepare?.(), (keep) => {
    if (stream.isOver) return
    const results = acts.flatMap((act) => act?.() ?? [])
    keep?.()
    stream.login = undefined
    const said = results.map((result) => result.said)
    stream.send(sasl2Success(stream.session?.jid ?? account, additional, said))
    stream.authenticated(account)
    // XEP-0198 §9.2: what is resumed goes on at once, without features.
    const resumption = results.find(({ resumed }) => resumed)
    if (resumption) resumption.resumed!()
    else stream.announce()
  })
}

function* inlineFeatures(stream: Stream): Iterable<InlineFeature> {
  for (const { inline } of stream.host!.streamFeatures) if (inline) yield inline
}
