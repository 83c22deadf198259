import type { Clock } from '../../world.ts'
import type { Ledger, Usage } from './ledger.ts'
import { slotTime } from './slots.ts'
import type { Uploads } from './uploads.ts'

/** From the end of one sweep to the next. */
const rest = 600_000
/** After so many removals a sweep lets others work for a breath. */
const atOnce = 50
const breath = 50

interface RetentionOptions {
  readonly ledger: Ledger
  readonly uploads: Uploads
  readonly clock: Clock
  /** How long files are kept, milliseconds. */
  readonly keep: number
  onRemoved(): void
  onFault(error: unknown): void
}

/** Removes what is too old: slots that nobody filled, and files. It looks only into accounts that may have such. */
export class Retention {
  readonly #options: RetentionOptions
  #cancel = () => {}
  #isStopped = false

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  begin(): void {
    this.#cancel = this.#options.clock.after(rest, () => {
      this.#sweep()
        .catch((error: unknown) => this.#options.onFault(error))
        .finally(() => this.#isStopped || this.begin())
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  /** Removes what of this account is too old. */
  async expire(account: string): Promise<void> {
    const { ledger, uploads, clock, keep, onRemoved } = this.#options
    const now = clock.now()
    let oldest = now
    let removed = 0
    for (const [id, { at, isUploaded }] of await ledger.owned(account)) {
      if (this.#isStopped) return
      if (at + (isUploaded ? keep : slotTime) >= now || uploads.isComing(id)) oldest = Math.min(oldest, at)
      else {
        await uploads.remove(id)
        onRemoved()
        if (++removed % atOnce === 0) await this.#pause()
      }
    }
    ledger.setOldest(account, oldest)
  }

  async #sweep(): Promise<void> {
    for await (const [account, usage] of this.#options.ledger.accounts()) {
      if (this.#isStopped) return
      if (this.#isDue(usage)) await this.expire(account)
    }
  }

  #isDue({ oldest, slots }: Usage): boolean {
    return oldest + (slots > 0 ? slotTime : this.#options.keep) < this.#options.clock.now()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void (this.#cancel = this.#options.clock.after(breath, resolve)))
  }
}
