import {
  type Element,
  type HashName,
  type Jid,
  keysOf,
  readUpgradeHash,
  SaslError,
  type ScramKeys,
  upgrade,
  upgradesAmong,
  upgradeSalt,
  upgradeTask,
} from '@jackdaw/xmpp'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import type { SaslSecrets } from './authenticator.ts'
import type { Stream } from './stream.ts'

type NewKeys = ReadonlyMap<HashName, ScramKeys>

/** An account's keys that are not as those of a new account. */
export interface Outdated {
  readonly hashes: readonly HashName[]
  /** What is returned keeps new keys in their place, in the same tick. @throws StanzaError conflict, when there are others by now */
  prepare(): Awaitable<(keys: NewKeys) => void>
}

/** A login whose password has been proved, and what is still to be done for it. */
interface Upgrading {
  readonly account: Jid
  readonly outdated: Outdated
  /** The hashes of the tasks that are left, the one that goes on first. */
  readonly left: HashName[]
  readonly keys: Map<HashName, ScramKeys>
  /** Of the task that goes on, once the client has begun it. */
  salt?: Uint8Array | undefined
}

/** All tasks have been done. */
export interface Upgraded {
  readonly account: Jid
  readonly additional?: undefined
  prepare(): Awaitable<() => void>
}

/** XEP-0480 0.2.0: clients give the keys that accounts lack, between the proof of the password and the end of the login. */
export class Upgrades {
  readonly #secrets: SaslSecrets
  readonly #find: (account: Jid) => Awaitable<Outdated>
  readonly #all = new WeakMap<Stream, Upgrading>()
  readonly #offers: readonly Element[]

  constructor(secrets: SaslSecrets, find: (account: Jid) => Awaitable<Outdated>) {
    this.#secrets = secrets
    this.#find = find
    this.#offers = secrets.hashes.map((hash) => upgrade(upgradeTask(hash)))
  }

  /** §2.1: the same for everybody, for it is told before anything is proved. */
  offer(mechanisms: readonly string[]): readonly Element[] {
    if (!mechanisms.some((name) => name.startsWith('SCRAM-'))) return []
    return this.#offers
  }

  /** §2.2: the first task of those that the client asked for; undefined when the account needs none. */
  begin(stream: Stream, account: Jid): Awaitable<string | undefined> {
    const { mechanism, requests } = stream.login!
    const asked = upgradesAmong(requests)
    // The new keys open the account for good: who has a token or a certificate has not shown to know the password.
    if (asked.length === 0 || !/^(SCRAM-|PLAIN$)/.test(mechanism)) return undefined
    return when(this.#find(account), (outdated) => {
      const left = outdated.hashes.filter((hash) => asked.includes(upgradeTask(hash)))
      if (left.length === 0) return undefined
      this.#all.set(stream, { account, outdated, left, keys: new Map() })
      return upgradeTask(left[0]!)
    })
  }

  /** `<next/>`: what the client needs for the task. @throws SaslError malformed-request */
  next(stream: Stream, element: Element): Element {
    const upgrading = this.#all.get(stream)
    if (!upgrading || upgrading.salt || element.attr('task') !== upgradeTask(upgrading.left[0]!))
      throw new SaslError('malformed-request')
    const { crypto, iterations } = this.#secrets
    upgrading.salt = crypto.random(16)
    return upgradeSalt(upgrading.salt, iterations)
  }

  /** `<task-data/>`: the next task, or the end of the last. @throws SaslError malformed-request, incorrect-encoding */
  async take(stream: Stream, element: Element): Promise<string | Upgraded> {
    const upgrading = this.#all.get(stream)
    if (!upgrading?.salt) throw new SaslError('malformed-request')
    const { account, outdated, left, keys, salt } = upgrading
    const { crypto, iterations } = this.#secrets
    const hash = left[0]!
    keys.set(hash, await keysOf(hash, readUpgradeHash(element, hash), salt, iterations, crypto))
    upgrading.salt = undefined
    left.shift()
    if (left.length > 0) return upgradeTask(left[0]!)
    return { account, prepare: () => when(outdated.prepare(), (keep) => () => keep(keys)) }
  }

  /** The login is over. */
  forget(stream: Stream): void {
    this.#all.delete(stream)
  }
}
