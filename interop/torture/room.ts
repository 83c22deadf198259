import {
  clientNs,
  type Element,
  iq,
  type Jid,
  message,
  moderationNs,
  mucAdminNs,
  mucNs,
  mucOwnerNs,
  presence,
  retractionNs,
  type Stanza,
  StanzaError,
  xml,
} from '@jackdaw/xmpp'
import type { Seeded } from '@jackdaw/testkit'
import type { SessionNumber, Told } from './events.ts'
import { hasStatus, Onlookers } from './onlookers.ts'
import type { User } from './user.ts'
import { form, retraction } from './words.ts'

const stanzaIdNs = 'urn:xmpp:sid:0'
/** So many of the last messages are those that may be taken back. */
const mostRecent = 30

type ListTold = Extract<Told, { kind: 'listed' }>
type SaidTold = Extract<Told, { kind: 'said' }>

/** What was said in a room, as it is known to who said it. */
interface Said {
  readonly id: string
  readonly by: SessionNumber
  /** What the room calls it (XEP-0359). */
  readonly stanzaId: string
}

/** A room (XEP-0045): what its users do in it is told, and what they hear. */
export class Room {
  readonly jid: Jid
  readonly isMembersOnly: boolean
  readonly #name: string
  readonly #tell: (event: Told) => void
  readonly #onlookers: Onlookers
  /** Those inside, with their present nicknames and how many they have had. */
  readonly #inside = new Map<User, { nick: string; count: number }>()
  readonly #recent: Said[] = []
  readonly #answered = new Set<string>()
  readonly #knocking = new Map<SessionNumber, (isLetIn: boolean) => void>()
  readonly entered = new Set<SessionNumber>()
  /** Who has been told that it is in no more. */
  readonly gone = new Set<SessionNumber>()
  #sent = 0

  /** @param name begins the ids of what is sent to it */
  constructor(jid: Jid, isMembersOnly: boolean, tell: (event: Told) => void, name = jid.local!) {
    this.jid = jid
    this.#name = name
    this.isMembersOnly = isMembersOnly
    this.#tell = tell
    this.#onlookers = new Onlookers(`${jid}`, tell)
  }

  /** Whether a request has been granted. */
  hasAnswered(id: string): boolean {
    return this.#answered.has(id)
  }

  // What users do

  enter(user: User): void {
    const nick = `n${user.number}.0`
    this.#onlookers.expect(nick)
    const id = this.#newId()
    user.send(this.#entry(nick), id, { ...this.#listed(user, 'occupants', [nick], []), id })
    this.#inside.set(user, { nick, count: 0 })
  }

  /** §10.1.3: from now on others may enter. */
  configure(owner: User): string {
    const fields = {
      'muc#roomconfig_persistentroom': '1',
      'muc#roomconfig_membersonly': this.isMembersOnly ? '1' : '0',
    }
    const rooms: Told = { ...this.#listed(owner, '', [`${this.jid}`], []), list: 'rooms' }
    return this.#request(owner, xml('query', mucOwnerNs, {}, form(`${mucNs}#roomconfig`, fields)), rooms)
  }

  /** §9.3: those who are to enter become members. */
  admit(owner: User, users: readonly User[]): string {
    return this.#affiliate(owner, users, true)
  }

  /** §9.3, §9.4: who is not there becomes a member, or is none any more; in a room for members only that decides whether it is let in. */
  affiliate(owner: User, stranger: User, isMember: boolean): void {
    this.#affiliate(owner, [stranger], isMember, this.isMembersOnly ? ['members', 'doors'] : ['members'])
  }

  /** §9.4: who is no member any more is out of a room for members only. */
  expel(owner: User, user: User): void {
    const { nick } = this.#inside.get(user)!
    this.#inside.delete(user)
    this.#onlookers.dismiss(nick)
    this.#affiliate(owner, [user], false, ['members'], this.#listed(owner, 'occupants', [], [nick]))
  }

  #affiliate(owner: User, users: readonly User[], isMember: boolean, lists = ['members'], ...more: Told[]): string {
    const affiliation = isMember ? 'member' : 'none'
    const jids = users.map(({ jid }) => `${jid.bare}`)
    const items = jids.map((jid) => xml('item', mucAdminNs, { jid, affiliation }))
    const [added, removed] = isMember ? [jids, []] : [[], jids]
    const events = lists.map((list) => this.#listed(owner, list, added, removed))
    return this.#request(owner, xml('query', mucAdminNs, {}, ...items), ...events, ...more)
  }

  say(user: User, text: string): void {
    const id = this.#newId()
    const body = `${id} ${text}`
    user.send(this.#groupchat(id, xml('body', clientNs, {}, body)), id, this.#said(user, id, body))
  }

  /** §7.6 */
  rename(user: User): void {
    const own = this.#inside.get(user)!
    const nick = `n${user.number}.${++own.count}`
    this.#onlookers.dismiss(own.nick)
    const told: Told = { ...this.#said(user, nick, ''), by: undefined, isPassing: true }
    user.send(presence({ to: this.jid.withResource(nick) }), nick, told, {
      ...this.#listed(user, 'occupants', [nick], [own.nick]),
      id: nick,
    })
    own.nick = nick
  }

  /** XEP-0424 */
  retract(user: User, chance: Seeded): void {
    const said = this.#pick(chance, ({ by }) => by === user.number)
    if (!said) return
    const id = this.#newId()
    const body = `${id} takes back ${said.id}`
    const told = this.#said(user, id, body, said.id)
    user.send(this.#groupchat(id, ...retraction(said.stanzaId, body)), id, told)
  }

  /** XEP-0425: its owner is a moderator. */
  moderate(owner: User, chance: Seeded): void {
    const said = this.#pick(chance, () => true)
    if (!said) return
    // So the room names what it tells of it.
    const id = `retraction-${said.stanzaId}`
    const moderate = xml('moderate', moderationNs, { id: said.stanzaId }, xml('retract', retractionNs))
    const told = { ...this.#said(owner, id, '', said.id), by: undefined }
    owner.send(iq({ type: 'set', id, to: this.jid }, moderate), id, told)
  }

  /** §10.9 */
  destroy(owner: User): void {
    const nicks = [...this.#inside.values()].map(({ nick }) => nick)
    for (const nick of nicks) this.#onlookers.dismiss(nick)
    this.#inside.clear()
    const rooms: Told = { ...this.#listed(owner, '', [], [`${this.jid}`]), list: 'rooms' }
    this.#request(owner, xml('query', mucOwnerNs, {}, xml('destroy', mucOwnerNs)), rooms)
  }

  /** Whether a stranger is let in (§7.2.6). */
  async knock(user: User): Promise<boolean> {
    const answered = new Promise<boolean>((resolve) => this.#knocking.set(user.number, resolve))
    user.send(this.#entry(`guest${user.number}`))
    return answered
  }

  // What they hear

  hear(session: SessionNumber, stanza: Stanza): void {
    if (stanza.name === 'presence') this.#hearPresence(session, stanza)
    else if (stanza.type === 'error') this.#tell({ kind: 'refused', session, id: stanza.id ?? '' })
    else if (stanza.name === 'iq') this.#answered.add(stanza.id ?? '')
    else if (stanza.child('body') || stanza.child('retract', retractionNs)) {
      const { id = '', from } = stanza
      const by = from!.resource
      this.#tell({ kind: 'heard', session, channel: `${this.jid}`, id, by, body: stanza.child('body')?.text ?? '' })
      const stanzaId = stanza.child('stanza-id', stanzaIdNs)?.attr('id')
      if (stanzaId === undefined || stanza.child('retract', retractionNs)) return
      if (!by?.startsWith(`n${session}.`)) return
      this.#recent.push({ id, by: session, stanzaId })
      if (this.#recent.length > mostRecent) this.#recent.shift()
    }
  }

  #hearPresence(session: SessionNumber, stanza: Stanza): void {
    const knocked = this.#knocking.get(session)
    const isSelf = hasStatus(stanza, '110')
    if (stanza.type === 'error') {
      const { condition } = StanzaError.from(stanza)
      if (knocked && condition === 'registration-required') knocked(false)
      else this.#tell({ kind: 'trouble', session, what: `${this.jid}: ${condition}` })
    } else if (stanza.from!.resource?.startsWith('guest')) {
      if (isSelf) knocked?.(true)
    } else if (!knocked) {
      this.#onlookers.hear(session, stanza)
      if (isSelf && stanza.type === undefined) this.entered.add(session)
      if (isSelf && stanza.type === 'unavailable' && !hasStatus(stanza, '303')) this.gone.add(session)
    }
  }

  #entry(nick: string): Stanza {
    const history = xml('history', mucNs, { maxstanzas: '0' })
    return presence({ to: this.jid.withResource(nick) }, xml('x', mucNs, {}, history))
  }

  #groupchat(id: string, ...content: readonly Element[]): Stanza {
    return message({ to: this.jid, id, type: 'groupchat' }, ...content)
  }

  #request(user: User, payload: Element, ...events: readonly Told[]): string {
    const id = this.#newId()
    user.send(iq({ type: 'set', id, to: this.jid }, payload), id, ...events.map((event) => ({ ...event, id }) as Told))
    return id
  }

  #listed(user: User, what: string, added: readonly string[], removed: readonly string[]): ListTold {
    return { kind: 'listed', session: user.number, id: '', list: `${what} ${this.jid}`, added, removed }
  }

  /** To all who are inside. */
  #said(user: User, id: string, body: string, retracts?: string): SaidTold {
    const to = [...this.#inside.keys()].map(({ number }) => number)
    const by = this.#inside.get(user)!.nick
    return { kind: 'said', session: user.number, channel: `${this.jid}`, id, by, body, to, retracts }
  }

  /** One of the last messages, which nobody takes back again. */
  #pick(chance: Seeded, isFit: (said: Said) => boolean): Said | undefined {
    const fit = this.#recent.filter(isFit)
    if (fit.length === 0) return undefined
    const said = chance.one(fit)
    this.#recent.splice(this.#recent.indexOf(said), 1)
    return said
  }

  #newId(): string {
    return `${this.#name}-${++this.#sent}`
  }
}
