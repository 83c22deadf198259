import type { Clock } from '../world.ts'
import { LdapConnection, type LdapSearch } from './ldap-connection.ts'
import { type LdapAddress, openLdapSocket } from './ldap-socket.ts'
import type { AccountSource } from './source.ts'

interface LdapOptions {
  readonly address: LdapAddress
  readonly search: LdapSearch
  /** Of each step, milliseconds. */
  readonly timeout: number
  readonly clock: Clock
}

/** After this a connection that nobody uses is closed, before something on the way forgets it; milliseconds. */
const idleTime = 60_000

/** A directory: who has the name is looked for, and the password tried by binding as that entry. Referrals are not followed. */
export class Ldap implements AccountSource {
  readonly #options: LdapOptions
  /** Those that nobody uses, with what cancels their end. */
  readonly #idle = new Map<LdapConnection, () => void>()
  #isClosed = false

  constructor(options: LdapOptions) {
    this.#options = options
  }

  get name(): string {
    const { protocol, host } = this.#options.address.url
    return `the directory ${protocol}//${host}`
  }

  check(username: string, password: string): Promise<boolean> {
    return this.#use(async (connection) => {
      const dn = await connection.find(username)
      // Somebody who does not exist is asked about as often.
      const isRight = await connection.bind(dn ?? `cn=nobody,${this.#options.search.base}`, password)
      return isRight && dn !== undefined
    })
  }

  exists(username: string): Promise<boolean> {
    return this.#use(async (connection) => (await connection.find(username)) !== undefined)
  }

  close(): void {
    this.#isClosed = true
    this.#closeIdle()
  }

  async #use<T>(act: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const idle = this.#takeIdle()
    if (idle) {
      try {
        return await this.#with(idle, act)
      } catch {
        // It may have been broken for long, and others with it.
        this.#closeIdle()
      }
    }
    const { address, search, timeout, clock } = this.#options
    return this.#with(await LdapConnection.open(search, () => openLdapSocket(address, timeout, clock), timeout), act)
  }

  async #with<T>(connection: LdapConnection, act: (connection: LdapConnection) => Promise<T>): Promise<T> {
    try {
      const result = await act(connection)
      this.#keep(connection)
      return result
    } catch (error) {
      connection.close()
      throw error
    }
  }

  #takeIdle(): LdapConnection | undefined {
    for (const [connection, cancel] of this.#idle) {
      cancel()
      this.#idle.delete(connection)
      if (connection.isOpen) return connection
      connection.close()
    }
  }

  #keep(connection: LdapConnection): void {
    if (this.#isClosed) return connection.close()
    const cancel = this.#options.clock.after(idleTime, () => {
      this.#idle.delete(connection)
      connection.close()
    })
    this.#idle.set(connection, cancel)
  }

  #closeIdle(): void {
    for (const [connection, cancel] of this.#idle) {
      cancel()
      connection.close()
    }
    this.#idle.clear()
  }
}
