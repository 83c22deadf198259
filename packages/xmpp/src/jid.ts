import { domainpart } from './precis/domainpart.ts'
import { opaqueString } from './precis/opaque-string.ts'
import { PrecisError } from './precis/precis-error.ts'
import { usernameCaseMapped } from './precis/username-case-mapped.ts'
import { flatten } from './xml/flatten.ts'
import { named } from './xml/names.ts'

/** A string that is no JID (RFC 7622); its condition is the stanza error of RFC 6120 §8.3.3.8. */
export class JidError extends Error {
  override readonly name = 'JidError'
  readonly condition = 'jid-malformed'
}

/** An XMPP address (RFC 7622) in its canonical form. Immutable; `toString()` is the key for maps. */
export class Jid {
  readonly local: string | undefined
  readonly domain: string
  readonly resource: string | undefined
  readonly #text: string
  #bare: Jid | undefined

  /** Takes enforced parts. The fields are cut out of the one string that is kept, so that they keep nothing else alive; of a domain there is one string. */
  private constructor(local: string | undefined, domain: string, resource: string | undefined) {
    const before = local === undefined ? '' : `${local}@`
    const text = flatten(`${before}${domain}${resource === undefined ? '' : `/${resource}`}`)
    const slash = before.length + domain.length
    this.local = local === undefined ? undefined : text.slice(0, local.length)
    this.domain = named(text, before.length, slash)
    this.resource = resource === undefined ? undefined : text.slice(slash + 1)
    this.#text = text
  }

  /**
   * Splits at the first `/`, then at the first `@` before it (RFC 7622 §3.2), and enforces every part. Recent addresses
   * are remembered, so the same string mostly gives the same object.
   *
   * ```ts
   * Jid.parse('Juliet@Example.com/balcony').toString() // 'juliet@example.com/balcony'
   * ```
   * @throws {JidError}
   */
  static parse(text: string): Jid {
    const known = recall(text)
    if (known !== undefined) return known
    const slash = text.indexOf('/')
    const before = slash < 0 ? text : text.slice(0, slash)
    const at = before.indexOf('@')
    const jid = Jid.of({
      local: at < 0 ? undefined : before.slice(0, at),
      domain: before.slice(at + 1),
      resource: slash < 0 ? undefined : text.slice(slash + 1),
    })
    remember(text, jid)
    return jid
  }

  /** A JID of parts, each enforced. `undefined` is a part that is not there; an empty string is refused. @throws {JidError} */
  static of(parts: { local?: string | undefined; domain: string; resource?: string | undefined }): Jid {
    return new Jid(
      parts.local === undefined ? undefined : enforce('localpart', localpart, parts.local),
      enforce('domainpart', domainpart, parts.domain),
      parts.resource === undefined ? undefined : enforce('resourcepart', opaqueString, parts.resource),
    )
  }

  get isBare(): boolean {
    return this.resource === undefined
  }

  /** This JID without its resourcepart; a bare JID itself. */
  get bare(): Jid {
    if (this.resource === undefined) return this
    if (this.#bare === undefined) {
      const text = this.#text.slice(0, -this.resource.length - 1)
      this.#bare = recall(text)
      if (this.#bare === undefined) {
        this.#bare = new Jid(this.local, this.domain, undefined)
        remember(text, this.#bare)
      }
    }
    return this.#bare
  }

  /** The full JID at this JID's bare one: the object that `parse` gives for it, mostly. @throws {JidError} */
  withResource(resource: string): Jid {
    const text = `${this.bare.#text}/${resource}`
    const known = recall(text)
    if (known !== undefined) return known
    const jid = new Jid(this.local, this.domain, enforce('resourcepart', opaqueString, resource))
    jid.#bare = this.bare
    remember(text, jid)
    return jid
  }

  equals(other: Jid | undefined): boolean {
    return this === other || (other !== undefined && this.#text === other.#text)
  }

  /** The canonical string: the same for equal JIDs only. */
  toString(): string {
    return this.#text
  }
}

/** Two generations, so that dropping the old ones costs nothing; longer strings would make the memory unbounded. */
const GENERATION = 8192
const MAX_REMEMBERED_UNITS = 256
let recent = new Map<string, Jid>()
let older = new Map<string, Jid>()

function recall(text: string): Jid | undefined {
  const known = recent.get(text)
  if (known !== undefined) return known
  const old = older.get(text)
  if (old !== undefined) remember(text, old)
  return old
}

function remember(text: string, jid: Jid): void {
  if (text.length > MAX_REMEMBERED_UNITS) return
  if (recent.size >= GENERATION) {
    older = recent
    recent = new Map()
  }
  const canonical = jid.toString()
  recent.set(text === canonical ? canonical : flatten(text), jid)
}

/** RFC 7622 §3.2–3.4: of each part in UTF-8, once enforced. */
const MAX_OCTETS = 1023
/** In UTF-16 units before enforcement. Composition makes three octets of four units at the most (alpha and three marks). */
const MAX_UNITS = (MAX_OCTETS * 4) / 3
/** RFC 7622 §3.3.1: what UsernameCaseMapped allows and a localpart does not. */
const EXCLUDED = /["&'/:<>@]/
const encoder = new TextEncoder()

function localpart(s: string): string {
  const local = usernameCaseMapped(s)
  if (EXCLUDED.test(local)) throw new PrecisError('one of " & \' / : < > @')
  return local
}

function enforce(part: string, profile: (s: string) => string, s: string): string {
  if (s.length > MAX_UNITS) throw new JidError(`${part}: longer than ${MAX_OCTETS} octets`)
  let enforced: string
  try {
    enforced = profile(s)
  } catch (error) {
    if (error instanceof PrecisError) throw new JidError(`${part}: ${error.message}`, { cause: error })
    throw error
  }
  if (enforced.length * 3 > MAX_OCTETS && encoder.encode(enforced).length > MAX_OCTETS) {
    throw new JidError(`${part}: longer than ${MAX_OCTETS} octets`)
  }
  return enforced
}
