import { createHash } from 'node:crypto'
import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable, Clock } from '../../world.ts'
import { Problem } from './problem.ts'

/** What was answered to a request with an Idempotency-Key. */
export type Repeat = {
  /** Of the request: the same key with another one is a mistake. */
  readonly fingerprint: string
  /** JSON. */
  readonly body: string | null
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

const day = 86_400_000

/** Requests that are answered again and done once (draft-ietf-httpapi-idempotency-key-header §2). */
export class Repeats {
  readonly #store: MapStore<Repeat>
  readonly #clock: Clock
  readonly #underWay = new Set<string>()

  constructor(store: MapStore<Repeat>, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Does what is asked, unless it has been done.
   * @param request what tells it from others
   * @param act what it returns is kept together with its last effects
   */
  async once(token: string, key: string, request: string, act: () => Awaitable<unknown>): Promise<unknown> {
    if (key === '' || key.length > 255) throw new Problem(400, 'An Idempotency-Key has 1 to 255 characters')
    const owner = `${token}/${key}`
    const fingerprint = createHash('sha256').update(request).digest('base64url')
    if (this.#underWay.has(owner)) throw new Problem(409, 'A request with this Idempotency-Key is under way')
    this.#underWay.add(owner)
    try {
      const old = await this.#store.get(owner, '')
      if (old && this.#clock.now() < old.at + day) {
        if (old.fingerprint !== fingerprint) throw new Problem(422, 'This Idempotency-Key was used for another request')
        return old.body === null ? undefined : JSON.parse(old.body)
      }
      return await when(act(), (answer) => {
        const body = answer === undefined ? null : JSON.stringify(answer)
        void this.#store.edit(owner, '', () => ({ fingerprint, body, at: this.#clock.now() }))
        return answer
      })
    } finally {
      this.#underWay.delete(owner)
    }
  }

  /** Forgets those that are older than a day. */
  async clean(): Promise<void> {
    const end = this.#clock.now() - day
    for await (const [owner, { at }] of this.#store.owners(''))
      if (at <= end) void this.#store.edit(owner, '', () => undefined)
  }
}
