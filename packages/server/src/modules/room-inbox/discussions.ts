import { isInstantMessage } from '@jackdaw/xmpp'
import type { LogStore } from '../../storage/storage.ts'
import type { Awaitable, Clock } from '../../world.ts'
import { messageOf } from '../archive.ts'
import { pageBefore } from '../archive-search.ts'
import type { KeptInRoom } from '../muc/archives.ts'

/** A message that somebody reads. */
interface Line {
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Bare JID. */
  readonly author: string
}

/** So many lines are remembered of a discussion, and unread at most. */
const most = 500
/** How far back in an archive they are looked for, and how many entries are looked through in one tick. */
const reach = 2000
const stride = 250
/** Most discussions that are remembered. */
const mostKnown = 400

/** The end of what was said in a room. All its readers count in it what they have not read: nothing is written for each of them. */
export class Discussion {
  /** Of the last message in the archive, whatever it holds. */
  lastId = ''
  #lines: Line[] = []

  get lastLine(): Line | undefined {
    return this.#lines.at(-1)
  }

  add({ id, at, author, message }: Omit<KeptInRoom, 'room'>): void {
    this.lastId = id
    if (!isInstantMessage(message)) return
    this.#lines.push({ id, at, author })
    if (this.#lines.length > 2 * most) this.#lines = this.#lines.slice(-most)
  }

  /** What was found in the archive; what is known already came later or is the same. */
  precede(older: readonly Line[], lastId: string): void {
    const [first] = this.#lines
    this.#lines = [...older.filter(({ id }) => first === undefined || id < first.id), ...this.#lines]
    if (lastId > this.lastId) this.lastId = lastId
  }

  /**
   * XEP-0430 §4: how much comes after what the reader has read: what it displayed, what it said, what was there before it came.
   * @param read an id in the archive
   * @param since milliseconds since the Unix epoch
   */
  unread(reader: string, read: string | undefined, since: number): number {
    let count = 0
    for (let i = this.#lines.length - 1; i >= 0 && count < most; i--) {
      const { id, at, author } = this.#lines[i]!
      if ((read !== undefined && id <= read) || at < since || author === reader) break
      count++
    }
    return count
  }
}

/** What is said in rooms, as far as somebody wants to know how much of it is unread. */
export class Discussions {
  readonly #log: LogStore<string>
  readonly #clock: Clock
  /** The one that was asked for last at the end. */
  readonly #known = new Map<string, { readonly discussion: Discussion; ready: Promise<unknown> | undefined }>()

  constructor(log: LogStore<string>, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  get size(): number {
    return this.#known.size
  }

  kept({ room, ...kept }: KeptInRoom): void {
    this.#known.get(room)?.discussion.add(kept)
  }

  /** To be called when something in it is another now: it is read again when it is asked for. */
  forget(room: string): void {
    this.#known.delete(room)
  }

  of(room: string): Awaitable<Discussion> {
    const known = this.#known.get(room) ?? this.#begin(room)
    this.#known.delete(room)
    this.#known.set(room, known)
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value!)
    return known.ready ? known.ready.then(() => known.discussion) : known.discussion
  }

  #begin(room: string) {
    const discussion = new Discussion()
    const known: { readonly discussion: Discussion; ready: Promise<unknown> | undefined } = {
      discussion,
      ready: this.#read(room, discussion).then(
        () => (known.ready = undefined),
        (error: unknown) => {
          this.forget(room)
          throw error
        },
      ),
    }
    return known
  }

  /** Meanwhile more may be said: it is added at the end. */
  async #read(room: string, discussion: Discussion): Promise<void> {
    const lines: Line[] = []
    let lastId = ''
    let before: string | undefined
    for (let seen = 0; seen < reach && lines.length < most; seen += stride) {
      const { entries, isComplete } = await pageBefore(this.#log, room, before, { max: stride })
      lastId ||= entries.at(-1)?.id ?? ''
      for (const entry of entries.toReversed())
        if (isInstantMessage(messageOf(entry))) lines.push({ id: entry.id, at: entry.at, author: entry.with ?? '' })
      before = entries[0]?.id
      if (isComplete) break
      await new Promise<void>((resolve) => this.#clock.soon(resolve))
    }
    discussion.precede(lines.toReversed(), lastId)
  }
}
