import { fileTooLarge, type Jid, StanzaError, type UploadRequest, uploadRetry } from '@jackdaw/xmpp'
import type { Roles } from '../../module.ts'
import type { Clock, Random } from '../../world.ts'
import { TokenBuckets } from '../token-buckets.ts'
import type { Ledger, Owned, Usage } from './ledger.ts'
import { readMediaType } from './media-type.ts'
import type { Vault } from './vault.ts'

/** XEP-0363 §8: within so many milliseconds a file must begin to come. */
export const slotTime = 300_000
/** Of one account at once. */
const mostSlots = 20
const mostFiles = 10_000
const slotsPerHour = 1000
/** Bytes of UTF-8. */
const longestName = 255

interface SlotsOptions {
  readonly ledger: Ledger
  readonly vault: Vault
  readonly clock: Clock
  readonly random: Random
  readonly config: { readonly maxFileSize: number; readonly quota: number; readonly keep: number }
  readonly roles: Pick<Roles, 'limit'>
  /** Gives up an account's slots whose time is over. */
  expire(account: string): Promise<void>
}

/** Gives slots, within the limits. */
export class Slots {
  readonly #options: SlotsOptions
  readonly #buckets: TokenBuckets
  constructor(options: SlotsOptions) {
    this.#options = options
    this.#buckets = new TokenBuckets(options.clock, slotsPerHour)
  }

  /** The largest file that an account may have, bytes. */
  largest(account: Jid): number {
    const { config, roles } = this.#options
    return Math.min(roles.limit(account, 'maxFileSize') ?? config.maxFileSize, this.#quota(account))
  }

  #quota(account: Jid): number {
    return this.#options.roles.limit(account, 'quota') ?? this.#options.config.quota
  }

  /** `isHere` tells whether the account's session still is. @throws StanzaError */
  async give(
    account: Jid,
    request: UploadRequest,
    isHere: () => boolean,
  ): Promise<{ id: string; token: string; name: string }> {
    const { ledger, vault, clock, random } = this.#options
    const { filename, size, contentType, purpose } = request
    const owner = account.toString()
    const largest = this.largest(account)
    const quota = this.#quota(account)
    if (size > largest) throw fileTooLarge(largest)
    // §5: none but that is announced, and a file must not stay longer than was asked for.
    if (purpose !== 'message') throw new StanzaError('feature-not-implemented', `No files are kept for: ${purpose}`)
    if (Buffer.byteLength(filename) > longestName)
      throw new StanzaError('not-acceptable', `The name of a file has at most ${longestName} bytes`)
    const type = contentType === undefined ? null : readMediaType(contentType)
    if (type === undefined) throw new StanzaError('bad-request', 'The content-type is no media type')
    if (!this.#buckets.take(owner))
      throw tooMuch('Too many files within an hour', clock.now() + 3_600_000 / slotsPerHour)
    if (!(await vault.hasRoom(size))) throw tooMuch('The server has no room for this file')
    let usage = await ledger.usage(owner)
    if (!fits(usage, size, quota)) {
      await this.#options.expire(owner)
      usage = await ledger.usage(owner)
      if (!fits(usage, size, quota)) throw this.#refusal(usage, size, quota, await ledger.owned(owner))
    }
    // The account may have been removed meanwhile, and all that it had.
    if (!isHere()) throw new StanzaError('forbidden')
    const id = Buffer.from(random.bytes(20)).toString('hex')
    const token = Buffer.from(random.bytes(20)).toString('hex')
    const name = plainName(filename)
    ledger.reserve(id, { account: owner, name, size, type, token, at: clock.now(), isUploaded: false })
    return { id, token, name }
  }

  /** XEP-0363 §6: with the time at which enough of what there is will be gone. */
  #refusal(usage: Usage, size: number, quota: number, owned: ReadonlyMap<string, Owned>): StanzaError {
    const { keep } = this.#options.config
    let { bytes, files, slots } = usage
    const ends = [...owned.values()].map((one) => ({ ...one, end: one.at + (one.isUploaded ? keep : slotTime) }))
    ends.sort((a, b) => a.end - b.end)
    const why =
      slots >= mostSlots
        ? `At most ${mostSlots} uploads at once`
        : `Quota reached: all your files together have at most ${quota} bytes, and there are at most ${mostFiles}`
    for (const one of ends) {
      bytes -= one.size
      files--
      if (!one.isUploaded) slots--
      if (fits({ ...usage, bytes, files, slots }, size, quota)) return tooMuch(why, one.end)
    }
    return tooMuch(why)
  }
}

function fits(usage: Usage, size: number, quota: number): boolean {
  return usage.bytes + size <= quota && usage.files < mostFiles && usage.slots < mostSlots
}

function tooMuch(why: string, retry?: number): StanzaError {
  return new StanzaError('resource-constraint', why, {
    application: retry === undefined ? undefined : uploadRetry(Math.ceil(retry / 1000) * 1000),
  })
}

/** §4: the name is kept, but for what would be no name, or several, in a path: here and on the machines of those who download it. */
function plainName(filename: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const name = filename.replace(/[\x00-\x1f\x7f-\x9f/\\\u202a-\u202e\u2066-\u2069]/g, '_')
  return /^\.*$/.test(name) ? `file${name}` : name
}
