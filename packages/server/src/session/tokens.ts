import type { ServerScramCrypto, UserAgent } from '@jackdaw/xmpp'
import type { Device } from '../module.ts'
import type { MapStore, Storage } from '../storage/storage.ts'
import type { Token, TokenStore, Use } from '../stream/fast.ts'
import { when } from '../when.ts'
import type { Awaitable, Clock, Random } from '../world.ts'

/** A token that is this old is replaced by its next use, milliseconds. */
const rotationAge = 86_400_000

/**
 * A token as it is kept: what it is made of, but for the secret. Who has the database alone can make none (XEP-0484 needs the token itself
 * to check its use, so that no hash of it would do).
 */
type KeptToken = {
  readonly nonce: string
  /** With no other is it accepted. */
  readonly mechanism: string
  readonly made: number
  readonly expiry: number
  /** The greatest count that it was used with. */
  readonly count: number
}

/** A client of an account: XEP-0484 §5.1. The current token is good until the next one has been used. Times in milliseconds. */
type KeptClient = {
  readonly software?: string
  readonly device?: string
  readonly lastLogin: number
  readonly current?: KeptToken
  readonly next?: KeptToken
}

interface TokensOptions {
  readonly domain: string
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly crypto: Pick<ServerScramCrypto, 'hmac'>
  /** Kept apart from the storage. */
  readonly secret: Uint8Array
  readonly limits: () => { readonly lifetime: number; readonly perAccount: number }
}

/** The tokens of the accounts of one virtual host (XEP-0484), by client. */
export class Tokens implements TokenStore {
  readonly #options: TokensOptions
  readonly #clients: MapStore<KeptClient>
  /** Logins with a token since the start. */
  uses = 0

  constructor(options: TokensOptions) {
    this.#options = options
    this.#clients = options.storage.map<KeptClient>(`${options.domain}/accounts/tokens`)
  }

  /** Uses up one try of the token for which `isRight`; undefined when there is none, or it may not be used so. */
  use(account: string, client: string, how: Use, isRight: (token: string) => boolean): Awaitable<Token | undefined> {
    return when(this.#clients.get(account, client), (held) => {
      // Two are looked at whatever there is: time tells nothing.
      const [next, current] = [held?.next, held?.current].map((kept) => {
        const text = this.#text(account, client, kept?.nonce ?? '')
        return isRight(text) && kept ? { kept, text } : undefined
      })
      const right = next ?? current
      if (!right) return undefined
      const { kept: used, text } = right
      const now = this.#options.clock.now()
      if (used.mechanism !== how.mechanism || used.expiry <= now) return undefined
      const { count = used.count } = how
      if (how.count !== undefined && count <= used.count) return undefined
      const { next: unused, ...rest } = held!
      const left = { ...rest, lastLogin: now, current: { ...used, count }, ...(!next && unused && { next: unused }) }
      // Who logs out is out, also with a token that it was given and may not have seen.
      if (how.invalidates) this.#revoke(account, client)
      else this.#clients.put(account, client, left)
      this.uses++
      return { text, mechanism: used.mechanism, expiry: used.expiry, isOld: now - used.made >= rotationAge }
    })
  }

  /** What is returned makes a new token for the client, and drops that of the client which has not been here for the longest if they are too many. */
  prepare(
    account: string,
    { id, software, device }: UserAgent & { readonly id: string },
  ): Awaitable<(mechanism: string) => Token> {
    return when(this.#clients.all(account), (all) => (mechanism) => {
      const { clock, random, limits } = this.#options
      const { lifetime, perAccount } = limits()
      const now = clock.now()
      const others = [...all].filter(([client]) => client !== id)
      for (const [client] of others
        .toSorted(([, a], [, b]) => b.lastLogin - a.lastLogin)
        .filter(([, held], at) => at >= perAccount - 1 || expiryOf(held) <= now))
        this.#revoke(account, client)
      const nonce = Buffer.from(random.bytes(18)).toString('base64url')
      const next = { nonce, mechanism, made: now, expiry: now + lifetime, count: 0 }
      void this.#clients.edit(account, id, (old) => ({
        ...(software !== undefined && { software }),
        ...(device !== undefined && { device }),
        lastLogin: now,
        ...(old?.current && { current: old.current }),
        next,
      }))
      return { text: this.#text(account, id, nonce), mechanism, expiry: next.expiry, isOld: false }
    })
  }

  /** The clients that can log in with a token, the one that was here last first. */
  async holders(account: string): Promise<Device[]> {
    const now = this.#options.clock.now()
    return [...(await this.#clients.all(account))]
      .map(([id, held]) => {
        const { software, device, lastLogin } = held
        return { id, software, device, lastLogin, expiry: expiryOf(held) }
      })
      .filter(({ expiry }) => expiry > now)
      .toSorted((a, b) => b.lastLogin - a.lastLogin)
  }

  /** What is returned ends all tokens of the account, or those of one client. */
  prepareRevocation(account: string, client?: string): Awaitable<() => void> {
    return when(this.#clients.all(account), (all) => () => {
      for (const one of all.keys()) if (client === undefined || one === client) this.#revoke(account, one)
    })
  }

  #revoke(account: string, client: string): void {
    void this.#clients.edit(account, client, () => undefined)
  }

  #text(account: string, client: string, nonce: string): string {
    const { crypto, secret } = this.#options
    const made = crypto.hmac('SHA-256', secret, Buffer.from(`${account}\0${client}\0${nonce}`))
    return Buffer.from(made).toString('base64url')
  }
}

function expiryOf({ current, next }: KeptClient): number {
  return Math.max(current?.expiry ?? 0, next?.expiry ?? 0)
}
