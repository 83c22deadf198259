import type { Jid } from '@jackdaw/xmpp'
import type { Right, RoleLimit, Roles } from '../module.ts'
import type { Exceptions } from './exceptions.ts'

/** A role as the configuration has it. */
export interface Role {
  /** Those that have it whatever they were given. */
  readonly accounts: readonly string[]
  readonly may: readonly Right[]
  readonly limits: { readonly [limit in RoleLimit]?: number | undefined }
}

/** The configuration of a host's roles, with 'guest', 'user' and 'admin' among them. */
export type RoleSet = Readonly<Record<string, Role>> & Readonly<Record<'guest' | 'user', Role>>

/** Who has which role on one virtual host. Asking waits for nothing. */
export class HostRoles implements Roles {
  readonly #domain: string
  /** By the command line, an invitation, an administrator. */
  readonly #given: Exceptions<string>
  /** Those who have logged in without an account (RFC 4505). */
  readonly #guests = new Set<string>()
  #set!: RoleSet
  #configured!: ReadonlyMap<string, string>
  /** What every role lets do: then it need not be found out who has which. */
  #everybodys!: ReadonlySet<Right>
  #limited!: ReadonlySet<string>

  constructor({ domain }: Jid, given: Exceptions<string>, set: RoleSet) {
    this.#domain = domain
    this.#given = given
    this.configure(set)
  }

  configure(set: RoleSet): void {
    const roles = Object.values(set)
    this.#set = set
    this.#configured = new Map(
      Object.entries(set).flatMap(([name, { accounts }]) => accounts.map((account) => [account, name] as const)),
    )
    this.#everybodys = new Set(roles[0]!.may.filter((right) => roles.every(({ may }) => may.includes(right))))
    this.#limited = new Set(
      roles.flatMap(({ limits }) =>
        Object.entries(limits).flatMap(([name, limit]) => (limit === undefined ? [] : name)),
      ),
    )
  }

  of(who: Jid): string {
    const account = who.bare.toString()
    if (who.domain !== this.#domain || this.#guests.has(account)) return 'guest'
    const name = this.#configured.get(account) ?? this.#given.get(account)
    return name !== undefined && Object.hasOwn(this.#set, name) ? name : 'user'
  }

  may(who: Jid, right: Right): boolean {
    return this.#everybodys.has(right) || this.#set[this.of(who)]!.may.includes(right)
  }

  limit(who: Jid, limit: RoleLimit): number | undefined {
    return this.#limited.has(limit) ? this.#set[this.of(who)]!.limits[limit] : undefined
  }

  get names(): readonly string[] {
    return Object.keys(this.#set).filter((name) => name !== 'guest')
  }

  isConfigured(account: Jid): boolean {
    return this.#configured.has(account.toString())
  }

  give(account: Jid, role: string): void {
    this.#given.set(account.toString(), role === 'user' ? undefined : role)
  }

  *having(role: string): Iterable<string> {
    for (const [account, name] of this.#configured) if (name === role) yield account
    for (const account of this.#given.accounts)
      if (!this.#configured.has(account) && this.#given.get(account) === role) yield account
  }

  /** What a role says of the limits of streams; undefined where none says anything. */
  limitsOf(who: Jid): Role['limits'] | undefined {
    return this.#limited.size === 0 ? undefined : this.#set[this.of(who)]!.limits
  }

  /** Somebody without an account comes, or goes. */
  admitGuest(account: Jid): void {
    this.#guests.add(account.toString())
  }

  forget(account: Jid): void {
    const name = account.toString()
    this.#guests.delete(name)
    if (this.#given.get(name) !== undefined) this.#given.set(name, undefined)
  }
}
