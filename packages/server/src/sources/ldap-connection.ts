import type { Socket } from 'node:net'
import { PrecisError, usernameCaseMapped } from '@jackdaw/xmpp'
import type { Client, Filter } from 'ldapts'

/** How users are found. */
export interface LdapSearch {
  readonly base: string
  readonly attribute: string
  readonly filter: string
  /** Who looks for them; without, nobody. */
  readonly service: { readonly dn: string; readonly password: string } | undefined
}

/** More entries than this that a directory takes for the same name are not looked through. */
const mostEntries = 10
/**
 * RFC 4511 §A.1: noSuchObject, invalidDNSyntax, inappropriateAuthentication, invalidCredentials, insufficientAccessRights, unwillingToPerform;
 * and constraintViolation, with which directories refuse accounts that are locked. Whatever else is wrong is not the user's fault.
 */
const refusals: readonly unknown[] = [32, 34, 48, 49, 50, 53, 19]

/** One connection to a directory (RFC 4511), used by one after the other. */
export class LdapConnection {
  readonly #search: LdapSearch
  readonly #client: Client
  readonly #filter: (username: string) => Filter
  readonly #timeLimit: number
  /** Whether it is bound as who looks for entries, not as a user. */
  #isService = false

  private constructor(search: LdapSearch, client: Client, filter: (username: string) => Filter, timeout: number) {
    this.#search = search
    this.#client = client
    this.#filter = filter
    this.#timeLimit = Math.ceil(timeout / 1000)
  }

  /** @param open gives the connection that is used; there is no other when that one breaks */
  static async open(search: LdapSearch, open: () => Promise<Socket>, timeout: number): Promise<LdapConnection> {
    const { AndFilter, Client, EqualityFilter, FilterParser } = await import('ldapts')
    const { attribute, filter } = search
    const condition = FilterParser.parseString(filter)
    // The name is a value of the filter, never a part of its text: nothing in it has a meaning (RFC 4515 §3).
    const filterFor = (value: string) =>
      new AndFilter({ filters: [new EqualityFilter({ attribute, value }), condition] })
    const sockets = [await open()]
    const createConnection = () => {
      const socket = sockets.pop()
      if (!socket) throw new Error('The connection was closed')
      return socket
    }
    // Neither the address nor the time-out of connecting is used: the connection is there.
    const client = new Client({ url: 'ldap://localhost', createConnection, timeout })
    return new LdapConnection(search, client, filterFor, timeout)
  }

  get isOpen(): boolean {
    return this.#client.isConnected
  }

  /** The name of the entry of the one user who has exactly this name; undefined when there is none, or more than one. */
  async find(username: string): Promise<string | undefined> {
    const { attribute, base, service } = this.#search
    if (!this.#isService) await this.#client.bind(service?.dn ?? '', service?.password ?? '')
    this.#isService = true
    const { searchEntries } = await this.#client.search(base, {
      filter: this.#filter(username),
      attributes: [attribute],
      sizeLimit: mostEntries,
      timeLimit: this.#timeLimit,
    })
    // Directories compare as they like ('é' may be 'e', 'ß' 'ss'): of several names that they take for one, one is the account's.
    const found = searchEntries.filter((entry) =>
      Object.entries(entry).some(
        ([name, values]) => name !== 'dn' && [values].flat().some((value) => isName(String(value), username)),
      ),
    )
    return found.length === 1 ? found[0]!.dn : undefined
  }

  /** Whether it is the password of that entry. */
  async bind(dn: string, password: string): Promise<boolean> {
    // RFC 4513 §5.1.2: without a password it would succeed, and say nothing.
    if (dn === '' || password === '') return false
    this.#isService = false
    try {
      await this.#client.bind(dn, password)
      return true
    } catch (error) {
      if (refusals.includes((error as { readonly code?: unknown }).code)) return false
      throw error
    }
  }

  close(): void {
    void this.#client.unbind().catch(() => undefined)
  }
}

function isName(value: string, username: string): boolean {
  try {
    return usernameCaseMapped(value) === username
  } catch (error) {
    if (error instanceof PrecisError) return false
    throw error
  }
}
