import {
  type Authenticate,
  type Element,
  type Jid,
  readAuthenticate,
  readData,
  SaslError,
  sasl2Challenge,
  sasl2Feature,
  sasl2Inline,
  sasl2Ns,
  sasl2Success,
  type ServerMechanism,
  StreamError,
} from '@jackdaw/xmpp'
import type { Awaitable } from '../world.ts'
import { type Authenticator, type Outcome, refuse } from './authenticator.ts'
import type { InlineFeature, StreamFeature } from './features.ts'
import type { Stream } from './stream.ts'

type Check = (stream: Stream, account: Jid) => Awaitable<void>

/** XEP-0388 1.0.4. `check` throws a StreamError for an account that is no more. */
export function sasl2(authenticator: Authenticator, check: Check): StreamFeature {
  return {
    name: 'SASL2',
    ns: sasl2Ns,
    // §3
    needs: ['secure'],
    forbids: ['authenticated'],
    offer(stream) {
      const offered = authenticator.offered(stream)
      if (offered.length === 0) return undefined
      const more = [...inlineFeatures(stream)].flatMap((feature) => feature.offer(stream) ?? [])
      return sasl2Feature(offered, sasl2Inline(more))
    },
    async negotiate(stream, element) {
      try {
        await answer(stream, await take(stream, element, authenticator), check)
      } catch (error) {
        stream.login = undefined
        await refuse(stream, error, (failure) => stream.send(failure.toElement(sasl2Ns)))
      }
    },
  }
}

function take(stream: Stream, element: Element, authenticator: Authenticator): Promise<Outcome> {
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

async function answer(stream: Stream, outcome: Outcome, check: Check): Promise<void> {
  if ('challenge' in outcome) return stream.send(sasl2Challenge(outcome.challenge))
  const { account, additional } = outcome
  // §2.3, RFC 6120 §4.9.3.9: no header follows that could tell it otherwise.
  if (!stream.mayBe(account)) throw new SaslError('invalid-authzid', 'The stream is from somebody else')
  await check(stream, account)
  const login = { ...stream.login!, account }
  const acts = []
  for (const feature of inlineFeatures(stream)) acts.push(await feature.prepare(stream, login))
  if (stream.isOver) return
  const results = acts.flatMap((act) => act?.() ?? [])
  stream.login = undefined
  const said = results.map((result) => result.said)
  stream.send(sasl2Success(stream.session?.jid ?? account, additional, said))
  stream.authenticated(account)
  // XEP-0198 §9.2: what is resumed goes on at once, without features.
  const resumption = results.find(({ resumed }) => resumed)
  if (resumption) resumption.resumed!()
  else stream.announce()
}

function* inlineFeatures(stream: Stream): Iterable<InlineFeature> {
  for (const { inline } of stream.host!.streamFeatures) if (inline) yield inline
}
