import { isEncrypted, type Jid, type Message, supervisionNs, xml } from '@jackdaw/xmpp'
import { type LogEntry, type LogQuery, type LogStore, type Page, UnknownIdError } from '../../storage/storage.ts'
import { messageOf } from '../archive.ts'
import type { Clock } from '../../world.ts'

/** What is sought; all of it must hold. */
export interface Sought {
  /** Bare JIDs, of accounts or rooms, that took part. */
  readonly participants: readonly string[]
  /** Milliseconds since the Unix epoch, both included. */
  readonly start?: number
  readonly end?: number
  /** Words that stand in it. */
  readonly text?: string
}

/** A message as it was kept. */
export type Said = {
  readonly id: string
  /** XEP-0082. */
  readonly time: string
  readonly from: string
  readonly to: string
  /** Who got it, where `to` is the nickname of somebody in a room. */
  readonly recipient?: string
  readonly type: string
  readonly body?: string
  /** End to end: what `stanza` has of it nobody but its recipients reads. */
  readonly isEncrypted?: true
  readonly stanza: string
}

/** How much is read in one tick. */
const stride = { max: 250, maxBytes: 1_048_576 }

/**
 * All that was said on a host, in the order of time: messages as XML in one log, each once, `with` its sender. So that it is found by its
 * other participants as well, an entry for each of these follows, which holds nothing but its id.
 */
export class Conversations {
  readonly #log: LogStore<string>
  readonly #owner: string
  readonly #clock: Clock

  constructor(log: LogStore<string>, domain: Jid, clock: Clock) {
    this.#log = log
    this.#owner = domain.toString()
    this.#clock = clock
  }

  /** @param message with `from` and `to` @param recipient who got it, where the address does not tell */
  keep(message: Message, recipient?: Jid): void {
    const at = this.#clock.now()
    // What only this log says of a message nobody else says.
    const content = message.children.filter((child) => typeof child === 'string' || child.ns !== supervisionNs)
    const told = recipient && xml('recipient', supervisionNs, { jid: recipient.bare.toString() })
    const kept = message.containing(told ? [...content, told] : content)
    const [sender, ...others] = participantsOf(kept)
    const value = kept.toString()
    const id = this.#log.append(this.#owner, { value, at, with: sender!, isSearchable: true })
    for (const other of others) this.#log.append(this.#owner, { value: id, at, with: other })
  }

  /** In the order of time, as it was when it began; reads some at a time, as fast as it is taken. */
  async *read({ participants, start, end = this.#clock.now(), text }: Sought): AsyncGenerator<Said> {
    const [first] = participants
    const query: LogQuery = {
      ...stride,
      end,
      ...(start !== undefined && { start }),
      // Words are only in the messages themselves, which are not under all of their participants.
      ...(text !== undefined ? { text } : first !== undefined && { with: first }),
    }
    const isMeant = (message: Message) => {
      const took = participantsOf(message)
      return participants.every((one) => took.includes(one))
    }
    for (let last = ''; ;) {
      const { entries, isComplete } = await this.#pageAfter(last, query)
      last = entries.at(-1)?.id ?? last
      for await (const entry of this.#messages(entries, text === undefined && first !== undefined)) {
        const said = saidIn(entry, isMeant)
        if (said) yield said
      }
      if (isComplete) return
      await new Promise<void>((resolve) => this.#clock.soon(resolve))
    }
  }

  /** Where the last one has gone meanwhile, all that was before it has gone, too. */
  async #pageAfter(last: string, query: LogQuery): Promise<Page<string>> {
    if (last === '') return this.#log.page(this.#owner, query)
    try {
      return await this.#log.page(this.#owner, { ...query, after: last })
    } catch (error) {
      if (!(error instanceof UnknownIdError)) throw error
      const { entries, isComplete } = await this.#log.page(this.#owner, query)
      return { entries: entries.filter(({ id }) => id > last), isComplete }
    }
  }

  /** The messages among entries or, where those of which entries hold the ids may be elsewhere, all of them. */
  async *#messages(entries: readonly LogEntry<string>[], areElsewhere: boolean): AsyncGenerator<LogEntry<string>> {
    if (!areElsewhere) return yield* entries.filter(isMessage)
    for (let ids = entries.map((entry) => (isMessage(entry) ? entry.id : entry.value)); ids.length > 0;) {
      let last: string
      try {
        const page = await this.#log.page(this.#owner, { ...stride, ids })
        yield* page.entries
        last = page.entries.at(-1)!.id
      } catch (error) {
        if (!(error instanceof UnknownIdError)) throw error
        last = error.id
      }
      ids = ids.filter((id) => id > last)
    }
  }
}

/** Or the id of one. */
function isMessage({ value }: LogEntry<string>): boolean {
  return value.startsWith('<')
}

/** Bare JIDs, each once; the sender is the first. */
function participantsOf(message: Message): string[] {
  const recipient = message.child('recipient', supervisionNs)?.attr('jid')
  const jids = [message.from!.bare.toString(), message.to!.bare.toString()]
  return [...new Set(recipient === undefined ? jids : [...jids, recipient])]
}

function saidIn(entry: LogEntry<string>, isMeant: (message: Message) => boolean): Said | undefined {
  const { id, at, value } = entry
  const message = messageOf(entry)
  if (!isMeant(message)) return undefined
  const body = message.child('body')?.text
  const recipient = message.child('recipient', supervisionNs)?.attr('jid')
  return {
    id,
    time: new Date(at).toISOString(),
    from: message.from!.toString(),
    to: message.to!.toString(),
    ...(recipient !== undefined && { recipient }),
    type: message.type ?? 'normal',
    ...(body !== undefined && { body }),
    ...(message.elements().some(isEncrypted) && { isEncrypted: true }),
    stanza: value,
  }
}
