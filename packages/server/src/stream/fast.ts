import {
  fastFeature,
  fastToken,
  hashedTokenMechanisms,
  hashedTokenServer,
  Jid,
  readFast,
  requestedToken,
  type UserAgent,
} from '@jackdaw/xmpp'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import type { StreamFeature } from './features.ts'
import { offers } from './offers.ts'
import type { Stream } from './stream.ts'

export interface Token {
  readonly text: string
  readonly mechanism: string
  /** Milliseconds since the Unix epoch. */
  readonly expiry: number
  /** So old that it is to be replaced. */
  readonly isOld: boolean
}

const offerOf = offers((types) => fastFeature(mechanismsOf(types)))

/** How a token is used. */
export interface Use {
  readonly mechanism: string
  /** Must be greater than that of all earlier uses, where it is told. */
  readonly count: number | undefined
  /** It ends with this use. */
  readonly invalidates: boolean
}

/** The tokens of a host's accounts, by account (a bare JID) and client (its user-agent's id). */
export interface TokenStore {
  use(account: string, client: string, how: Use, isRight: (token: string) => boolean): Awaitable<Token | undefined>
  prepare(account: string, client: UserAgent & { readonly id: string }): Awaitable<(mechanism: string) => Token>
}

/**
 * XEP-0484 0.2.0. Early data (TLS 0-RTT) is not offered, nor taken by Node. `hasTokens` tells whether the account is one that lasts.
 */
export function fast(tokens: TokenStore, hasTokens: (account: Jid) => Awaitable<boolean>): StreamFeature {
  /** What the login that goes on uses. */
  const used = new WeakMap<Stream, Token & { readonly invalidates: boolean }>()
  return {
    name: 'FAST',
    inline: {
      offer: ({ bindings }) => offerOf([...bindings.keys()]),
      mechanism(stream, { mechanism, requests, userAgent }, crypto) {
        const request = readFast(requests)
        if (!request || !offered(stream).includes(mechanism)) return undefined
        return hashedTokenServer(
          mechanism,
          (username, isRight) => {
            const account = Jid.of({ local: username, domain: stream.host!.domain.domain })
            const how = { mechanism, ...request }
            return when(tokens.use(account.toString(), userAgent?.id ?? '', how, isRight), (token) => {
              if (token) used.set(stream, { ...token, invalidates: request.invalidates })
              return token?.text
            })
          },
          { bindings: stream.bindings, crypto },
        )
      },
      async prepare(stream, { account, userAgent, requests }) {
        const token = used.get(stream)
        used.delete(stream)
        const asked = requestedToken(requests)
        const wanted = asked !== undefined && offered(stream).includes(asked) ? asked : undefined
        const mechanism = wanted ?? (token?.isOld && !token.invalidates ? token.mechanism : undefined)
        const id = userAgent?.id
        if (mechanism === undefined || id === undefined || !(await hasTokens(account))) return undefined
        const make = await tokens.prepare(account.toString(), { ...userAgent!, id })
        return () => {
          const { text, expiry } = make(mechanism)
          return { said: fastToken(text, expiry) }
        }
      },
    },
  }
}

/** §3.1: what this connection can do. */
function offered({ bindings }: Stream): string[] {
  return mechanismsOf([...bindings.keys()])
}

/** @param types of channel binding that the connection has */
function mechanismsOf(types: readonly string[]): string[] {
  return [...hashedTokenMechanisms].flatMap(([name, type]) =>
    type === undefined || types.includes(type) ? [name] : [],
  )
}
