import type { Target, Undelivered } from '../../module.ts'
import type { Clock } from '../../world.ts'
import type { Notice } from './notice.ts'

/** Where a session's record says that its client has not acknowledged a message of which nobody was notified. */
const key = 'push:due'

interface Watch {
  /** How many stanzas the session must have acknowledged now, and how many later. */
  first: number | undefined
  last: number
  notice: Notice | undefined
  cancel: () => void
}

/**
 * Messages that were handed to a client which counts (XEP-0198) and seems to be there: when it has not acknowledged them in time, it is not.
 */
export class Unacknowledged {
  readonly #clock: Clock
  readonly #grace: number
  readonly #tell: (session: Target, notice: Notice | undefined) => void
  readonly #watches = new Map<Target, Watch>()

  /** @param grace milliseconds */
  constructor(clock: Clock, grace: number, tell: (session: Target, notice: Notice | undefined) => void) {
    this.#clock = clock
    this.#grace = grace
    this.#tell = tell
  }

  /** To be called in the tick in which a message is handed to the session. */
  handed(session: Target, notice: Notice | undefined): void {
    const watch = this.#watches.get(session) ?? { first: undefined, last: 0, notice, cancel: this.#later(session) }
    if (!this.#watches.has(session)) session.set(key, true)
    this.#watches.set(session, watch)
    watch.notice = notice
    this.#clock.soon(() => {
      watch.last = session.sent
      watch.first ??= watch.last
    })
  }

  /** It is there again, and gets again what it has not acknowledged. */
  resumed(session: Target): void {
    if (session.get(key) === undefined) return
    this.#forget(session)
    this.handed(session, undefined)
  }

  /** It has ended: what it did not acknowledge waits for another one, and nobody has been told. */
  gone(
    session: Target,
    undelivered: readonly Undelivered[],
    noticeOf: (stanza: Undelivered['stanza']) => Notice | undefined,
  ): void {
    const isDue = session.get(key) !== undefined
    this.#forget(session)
    if (!isDue) return
    const notices = undelivered.map(({ stanza }) => noticeOf(stanza)).filter((notice) => notice !== undefined)
    if (notices.length > 0) this.#tell(session, notices.at(-1))
  }

  stop(): void {
    for (const { cancel } of this.#watches.values()) cancel()
  }

  #later(session: Target): () => void {
    return this.#clock.after(this.#grace, () => this.#look(session))
  }

  #look(session: Target): void {
    const watch = this.#watches.get(session)!
    const acknowledged = session.sent - session.unacknowledged
    const has = (position: number) => ((acknowledged - position) | 0) >= 0
    if (has(watch.first!) && !has(watch.last)) {
      watch.first = watch.last
      watch.cancel = this.#later(session)
      return
    }
    this.#watches.delete(session)
    session.set(key, undefined)
    if (!has(watch.last)) this.#tell(session, watch.notice)
  }

  #forget(session: Target): void {
    this.#watches.get(session)?.cancel()
    this.#watches.delete(session)
  }
}
