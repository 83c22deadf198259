import type { Jid } from '@jackdaw/xmpp'
import type { Act, Audit } from '../module.ts'
import type { LogStore, Storage } from '../storage/storage.ts'
import type { Clock } from '../world.ts'

/** Most acts read at once. */
const page = 500

/** The audit log of one virtual host: who has administered what. Its entries are never changed. */
export class HostAudit implements Audit {
  readonly #acts: LogStore<Act>
  readonly #domain: string
  readonly #clock: Clock
  readonly #told: (act: Act) => void
  /** Since the start. */
  acts = 0

  constructor(domain: Jid, storage: Storage, clock: Clock, told: (act: Act) => void) {
    this.#acts = storage.log<Act>(`${domain}/audit/acts`)
    this.#domain = domain.toString()
    this.#clock = clock
    this.#told = told
  }

  record(act: Act): void {
    this.acts++
    this.#acts.append(this.#domain, { value: act, at: this.#clock.now() })
    this.#told(act)
  }

  async last(max: number): Promise<readonly { readonly at: number; readonly act: Act }[]> {
    const { entries } = await this.#acts.page(this.#domain, { max: Math.min(max, page), fromEnd: true })
    return entries.map(({ at, value }) => ({ at, act: value }))
  }
}
