import {
  type Credentials,
  deriveKeys,
  hashLength,
  type HashName,
  type Jid,
  type ScramCrypto,
  type ScramKeys,
  StanzaError,
  StreamError,
} from '@jackdaw/xmpp'
import type { Accounts, Device } from '../module.ts'
import type { MapStore, Storage } from '../storage/storage.ts'
import { when } from '../when.ts'
import type { Outdated } from '../stream/upgrades.ts'
import type { Awaitable, Clock } from '../world.ts'
import type { Exceptions } from './exceptions.ts'
import { inOrder } from './in-order.ts'
import { passwordFault } from './password-policy.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** The hashes for which an account has keys, the one that most clients use first. */
export const hashes: readonly HashName[] = ['SHA-256', 'SHA-1', 'SHA-512']

/** PBKDF2 rounds of new keys: the cost of a guess for who steals them, of a login for clients (RFC 7677 §4 asks for 4,096). */
export const iterations = 10_000

const mostKnown = 10_000

/** What is kept of a password: no password can be had from it, nor a login without trying one (RFC 5802 §9). In base64. */
export type StoredKeys = {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

/** What another system knows, by localpart. */
interface ForeignAccounts {
  exists(username: string): Awaitable<boolean>
}

interface AccountsOptions {
  readonly domain: Jid
  readonly storage: Storage
  readonly sessions: Sessions
  readonly crypto: ScramCrypto
  /** Fewest characters of a password that a person chooses. */
  readonly passwordLength: () => number
  readonly tokens: Tokens
  /** The other system that keeps the accounts, where one does. */
  readonly foreign: () => ForeignAccounts | undefined
  readonly clock: Clock
  /** Those that nobody may use. */
  readonly disabled: Exceptions<true>
  readonly told: (
    fact: 'account:created' | 'account:removed' | 'account:dropped' | 'password:changed',
    about: { readonly account: Jid },
  ) => Awaitable<void>
}

/** The accounts of one virtual host and the keys of their passwords. */
export class HostAccounts implements Accounts, Credentials {
  readonly #options: AccountsOptions
  readonly #keys: MapStore<StoredKeys>
  /** Accounts that another system keeps, from their first login on: since when, milliseconds since the Unix epoch. */
  readonly #guests: MapStore<number>
  /** Some that exist: those who log in and are written to are asked about again and again. */
  readonly #known = new Set<string>()
  /** Since the start. */
  made = 0
  removed = 0
  upgraded = 0

  constructor(options: AccountsOptions) {
    this.#options = options
    this.#keys = options.storage.map<StoredKeys>(`${options.domain}/accounts/keys`)
    this.#guests = options.storage.map<number>(`${options.domain}/accounts/guests`)
  }

  get isForeign(): boolean {
    return this.#options.foreign() !== undefined
  }

  exists(account: Jid): Awaitable<boolean> {
    const foreign = this.#options.foreign()
    if (foreign) {
      const { domain, local } = account
      return local !== undefined && domain === this.#options.domain.domain && foreign.exists(local)
    }
    const name = account.toString()
    if (this.#known.has(name)) return true
    return when(this.#keys.all(name), (keys) => {
      if (keys.size > 0) this.#remember(name)
      return keys.size > 0
    })
  }

  isHere(account: Jid): Awaitable<boolean> {
    if (!this.isForeign) return this.exists(account)
    return when(this.#guests.get(account.toString(), ''), (since) => since !== undefined || this.exists(account))
  }

  /** Whoever is asked for, keys are decoded: the time tells nobody who exists (RFC 5802 §5.1). */
  scram(username: string, hash: HashName): Awaitable<ScramKeys | undefined> {
    return when(this.#keys.get(`${username}@${this.#options.domain}`, hash), (keys) =>
      keys ? opened(keys) : void opened(JSON.parse(decoys[hash].toString('latin1')) as StoredKeys),
    )
  }

  /** The hashes for which it has no keys, or some with fewer rounds than new ones have. */
  outdated(account: Jid): Awaitable<Outdated> {
    const name = account.toString()
    return when(this.#keys.all(name), (kept) => ({
      hashes:
        this.isForeign || kept.size === 0
          ? []
          : hashes.filter((hash) => (kept.get(hash)?.iterations ?? 0) < iterations),
      prepare: () =>
        when(this.#keys.all(name), (now) => {
          this.#checkOwn()
          // They would be those of a password that is no more.
          if (hashes.some((hash) => now.get(hash)?.salt !== kept.get(hash)?.salt))
            throw new StanzaError('conflict', `The keys of ${name} have been changed meanwhile`)
          return (keys) => {
            this.#keep(
              account,
              [...keys].map(([hash, made]) => [hash, closed(made)]),
            )
            this.upgraded++
          }
        }),
    }))
  }

  checkPassword(account: Jid, password: string): void {
    const fault = passwordFault(password, account, this.#options.passwordLength())
    if (fault !== undefined) throw new StanzaError('not-acceptable', fault)
  }

  async create(account: Jid, password: string, admit?: () => void): Promise<void> {
    const { domain } = this.#options
    this.#checkOwn()
    if (account.local === undefined || !account.isBare || account.domain !== domain.domain)
      throw new StanzaError('not-acceptable', `An account's address is name@${domain}`)
    const keys = await this.#derive(password)
    // Nothing in between: of two who want the same name at once, one gets it.
    await when(this.exists(account), (exists) => {
      if (exists) throw new StanzaError('conflict', `${account} exists already`)
      admit?.()
      this.#keep(account, keys)
    })
    this.made++
    await this.#options.told('account:created', { account })
  }

  async setPassword(account: Jid, password: string, admit?: () => void): Promise<void> {
    this.#checkOwn()
    const keys = await this.#derive(password)
    if (!(await this.exists(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
    await when(this.tokens.prepareRevocation(account.toString()), (revoke) => {
      admit?.()
      this.#keep(account, keys)
      revoke()
      void this.#options.told('password:changed', { account })
    })
  }

  /**
   * Whether somebody who has proved to be this account may use it: it exists. Where another system keeps it, it begins here with the first
   * login, and when that system knows it no more its sessions and tokens end.
   */
  admit(account: Jid): Awaitable<boolean> {
    return when(this.exists(account), (exists) => {
      if (!this.isForeign) return exists
      const name = account.toString()
      if (!exists) return this.#signOut(account, 'The account has been removed').then(() => false)
      return when(this.#guests.get(name, ''), (since) => {
        if (since !== undefined) return true
        void this.#guests.edit(name, '', () => this.#options.clock.now())
        return when(this.#options.told('account:created', { account }), () => true)
      })
    })
  }

  /** Admits those who have sessions anew. */
  async recheck(): Promise<void> {
    const { domain, sessions } = this.#options
    const accounts = new Map([...sessions.ofDomain(domain)].map(({ account }) => [account.toString(), account]))
    for (const account of accounts.values()) await this.admit(account)
  }

  devices(account: Jid): Promise<readonly Device[]> {
    return this.tokens.holders(account.toString())
  }

  /** Ends the sessions of a client, which told its id as it logged in, and its tokens; of all clients without an id. */
  async signOut(account: Jid, client?: string): Promise<void> {
    if (!(await this.isHere(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
    await this.#signOut(account, 'You have been signed out', client)
  }

  async #signOut(account: Jid, why: string, client?: string): Promise<void> {
    const { sessions, tokens } = this.#options
    await when(tokens.prepareRevocation(account.toString(), client), (revoke) => {
      revoke()
      for (const session of [...sessions.of(account)])
        if (client === undefined || session.get('client') === client)
          sessions.end(session, new StreamError('not-authorized', why))
    })
  }

  get tokens(): Tokens {
    return this.#options.tokens
  }

  isDisabled(account: Jid): boolean {
    return this.#options.disabled.get(account.toString()) === true
  }

  async disable(account: Jid): Promise<void> {
    const { disabled, sessions } = this.#options
    if (!(await this.isHere(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
    disabled.set(account.toString(), true)
    for (const session of [...sessions.of(account)])
      sessions.end(session, new StreamError('not-authorized', 'The account has been disabled'))
  }

  async enable(account: Jid): Promise<void> {
    if (!(await this.isHere(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
    this.#options.disabled.set(account.toString(), undefined)
  }

  disabled(): readonly string[] {
    return this.#options.disabled.accounts
  }

  async remove(account: Jid): Promise<void> {
    const { disabled, domain, sessions, storage, told } = this.#options
    if (!(await this.isHere(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
    for (const session of [...sessions.of(account)])
      sessions.end(session, new StreamError('not-authorized', 'The account has been removed'))
    this.removed++
    await told('account:removed', { account })
    this.#known.delete(account.toString())
    disabled.set(account.toString(), undefined)
    storage.drop(`${domain}/`, account.toString())
    await told('account:dropped', { account })
  }

  async *list(after?: string): AsyncIterable<string> {
    if (!this.isForeign) return yield* inOrder(hashes.map((hash) => this.#keys.owners(hash, after)))
    for await (const [owner] of this.#guests.owners('', after)) yield owner
  }

  #checkOwn(): void {
    if (this.isForeign)
      throw new StanzaError(
        'not-allowed',
        `The accounts of ${this.#options.domain} and their passwords are kept by another system`,
      )
  }

  async #derive(password: string): Promise<readonly (readonly [HashName, StoredKeys])[]> {
    const { crypto } = this.#options
    if (password === '') throw new StanzaError('not-acceptable', 'A password must not be empty')
    // Longer ones would be worked on for long, by whoever may make an account.
    if (password.length > 1024) throw new StanzaError('not-acceptable', 'A password has at most 1024 characters')
    try {
      return await Promise.all(
        hashes.map(
          async (hash) =>
            [hash, closed(await deriveKeys(hash, password, crypto.random(16), iterations, crypto))] as const,
        ),
      )
    } catch {
      throw new StanzaError('not-acceptable', 'The password has characters that a password must not have (RFC 4013)')
    }
  }

  #remember(name: string): void {
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.add(name)
  }

  #keep(account: Jid, keys: readonly (readonly [HashName, StoredKeys])[]): void {
    for (const [hash, stored] of keys) void this.#keys.edit(account.toString(), hash, () => stored)
  }
}

function closed(keys: ScramKeys): StoredKeys {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const { salt, storedKey, serverKey } = keys
  return { salt: base64(salt), iterations: keys.iterations, storedKey: base64(storedKey), serverKey: base64(serverKey) }
}

/** Nobody's keys, in the bytes that a database reads: what it takes to make them of these is what it takes with an account's. */
const decoys: Readonly<Record<HashName, Buffer>> = {
  'SHA-1': decoy('SHA-1'),
  'SHA-256': decoy('SHA-256'),
  'SHA-512': decoy('SHA-512'),
}

function decoy(hash: HashName): Buffer {
  const key = new Uint8Array(hashLength[hash])
  return Buffer.from(JSON.stringify(closed({ salt: new Uint8Array(16), iterations, storedKey: key, serverKey: key })))
}

function opened(keys: StoredKeys): ScramKeys {
  const bytes = (text: string) => Buffer.from(text, 'base64')
  const { salt, storedKey, serverKey } = keys
  return { salt: bytes(salt), iterations: keys.iterations, storedKey: bytes(storedKey), serverKey: bytes(serverKey) }
}
