import { createHash } from 'node:crypto'
import { clientNs, type Jid, type Message, message, type Supervision, xml } from '@jackdaw/xmpp'
import type { Host, map, Passage } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { isForAccount } from '../archive.ts'

/** What is told, and to whom. */
export interface Notice {
  readonly text: string
  isFor(account: Jid): boolean
}

type Told = { readonly told: ReturnType<typeof map<string>> }

const day = 86_400_000
const hour = 3_600_000

/** @param what is kept */
export function noticeText(domain: Jid, what: string, { keep, notice }: Pick<Supervision, 'keep' | 'notice'>): string {
  const time = keep % day === 0 ? count(keep / day, 'day') : count(Math.ceil(keep / hour), 'hour')
  const text =
    `Conversations on ${domain} are supervised: ${what} is kept for ${time} and can be read by those who run this server. ` +
    'It stays though it is retracted or erased, and also where no archive is kept. What is encrypted end to end is kept encrypted.'
  return notice === '' ? text : `${text}\n${notice}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Which words somebody has been told: others are told anew. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}

/** Tells each account once, by a message that is in its archive and waits for it, that its conversations are kept. */
export class Notices {
  readonly #host: Host<any, Told>
  readonly #notice: Notice
  readonly #digest: string
  /** By account: the id of the message that is on its way. */
  readonly #underWay = new Map<string, string>()

  constructor(host: Host<any, Told>, notice: Notice) {
    this.#host = host
    this.#notice = notice
    this.#digest = digest(notice.text)
  }

  /** Tells an account that has not been told yet. */
  tell(account: Jid): Awaitable<void> {
    const { domain, random, stores } = this.#host
    const owner = account.toString()
    if (!this.#notice.isFor(account)) return
    return when(stores.told.get(owner, ''), (told) => {
      if (told === this.#digest || this.#underWay.has(owner)) return
      const id = Buffer.from(random.bytes(9)).toString('base64url')
      this.#underWay.set(owner, id)
      const leaf = (name: string, text: string) => xml(name, clientNs, undefined, text)
      const content = [leaf('subject', 'Conversations are supervised'), leaf('body', this.#notice.text)]
      this.#host.send(message({ from: domain, to: account, id, type: 'normal' }, ...content))
    })
  }

  /** The message arrives: from now on, in the same commit, its account has been told. */
  arrives({ stanza, recipients }: Passage<Message>): void {
    if (this.#underWay.size === 0) return
    const owner = String(stanza.to?.bare)
    if (this.#underWay.get(owner) !== stanza.id || !stanza.from?.equals(this.#host.domain)) return
    this.#underWay.delete(owner)
    if (recipients.size > 0 || isForAccount(stanza)) void this.#host.stores.told.edit(owner, '', () => this.#digest)
  }

  /** An account has no session left: what did not arrive will be told when it comes again. */
  forget(account: Jid): void {
    this.#underWay.delete(account.toString())
  }
}
