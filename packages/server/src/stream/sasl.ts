import { decodeBase64, type Element, encodeBase64, SaslError, saslNs, xml } from '@jackdaw/xmpp'
import { attempt, when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { type Authenticator, type Outcome, refuse } from './authenticator.ts'
import type { StreamFeature } from './features.ts'
import { offers } from './offers.ts'
import type { Stream } from './stream.ts'

/** RFC 6120 §6 */
export function sasl(authenticator: Authenticator): StreamFeature {
  const offerOf = offers((names) =>
    xml('mechanisms', saslNs, {}, ...names.map((name) => xml('mechanism', saslNs, {}, name))),
  )
  return {
    name: 'SASL',
    ns: saslNs,
    forbids: ['authenticated'],
    offer(stream) {
      const offered = authenticator.offered(stream)
      return offered.length === 0 ? undefined : offerOf(offered)
    },
    negotiate(stream, element) {
      return attempt(
        () => when(take(stream, element, authenticator), (outcome) => answer(stream, outcome)),
        (error) => refuse(stream, error, (failure) => stream.send(failure.toElement())),
      )
    },
  }
}

function take(stream: Stream, element: Element, authenticator: Authenticator): Awaitable<Outcome> {
  switch (element.name) {
    case 'auth':
      return authenticator.begin(stream, saslNs, authenticator.mechanism(stream, element.attr('mechanism') ?? ''), () =>
        element.text === '' ? undefined : decode(element.text),
      )
    case 'response':
      return authenticator.respond(stream, saslNs, () => decode(element.text))
    case 'abort':
      throw new SaslError('aborted')
    default:
      throw new SaslError('malformed-request')
  }
}

function answer(stream: Stream, outcome: Outcome): void {
  // §6.4.3: a challenge may be empty; '=' is for the data that comes with <auth/> and <success/>.
  if ('challenge' in outcome) return stream.send(xml('challenge', saslNs, {}, encodeBase64(outcome.challenge)))
  const { account, additional } = outcome
  stream.send(xml('success', saslNs, {}, additional && encode(additional)))
  stream.authenticated(account)
  // §6.4.6
  stream.restart()
}

function encode(bytes: Uint8Array): string {
  return bytes.length === 0 ? '=' : encodeBase64(bytes)
}

/** §6.4.2: '=' is a response that is empty. */
function decode(text: string): Uint8Array {
  const bytes = text === '=' ? new Uint8Array() : decodeBase64(text)
  if (!bytes) throw new SaslError('incorrect-encoding')
  return bytes
}
