import { hasHint, Jid, type Message, type Presence, rosterNs, RosterQuery, type Stanza } from '@jackdaw/xmpp'
import { type ModelContact, newContact } from './model-contact.ts'
import { isArchived, isCopied, isForAccount, typeOf } from './model-message.ts'
import { available, type ModelAccount, type ModelSession, note, willing } from './model-state.ts'

/**
 * What must happen according to RFC 6121, XEP-0160, 0198, 0280, 0313 and 0334, told what the server was asked in which order. Written from those
 * texts and not from the server. Where they leave a choice it is the one named in a comment.
 */
export class Model {
  readonly accounts = new Map<string, ModelAccount>()
  readonly #domains: ReadonlySet<string>
  readonly #now: () => number
  /** When they came, in the order in which they did. */
  readonly #messages = new Map<string, number>()
  /** Accounts of which a session lost messages just now, while others were there. */
  readonly #passing = new Set<ModelAccount>()
  /**
   * Lost messages that another session may get though it had them: the server goes by the time since when a session gets all that comes, and this
   * one has begun anew since, or in that very millisecond.
   */
  readonly uncertain = new Set<string>()

  constructor(domains: ReadonlySet<string>, accounts: readonly Jid[], now: () => number) {
    this.#domains = domains
    this.#now = now
    for (const jid of accounts)
      this.accounts.set(jid.toString(), { jid, contacts: new Map(), sessions: [], waiting: [], archive: [] })
  }

  /** The session that has this full JID now. */
  session(jid: Jid): ModelSession | undefined {
    return this.accounts.get(jid.bare.toString())?.sessions.find((session) => session.jid.equals(jid))
  }

  // What happens

  bound(jid: Jid): void {
    const account = this.accounts.get(jid.bare.toString())!
    account.sessions.push({
      jid,
      account,
      handled: 0,
      isEnded: false,
      presence: undefined,
      willingSince: undefined,
      carbonsSince: undefined,
      isInterested: false,
      directed: new Set(),
      expected: [],
      seen: new Map(),
      requests: [],
    })
  }

  /** The session has ended for good. */
  ended(session: ModelSession, undelivered: readonly Stanza[]): void {
    const { account } = session
    session.isEnded = true
    account.sessions.splice(account.sessions.indexOf(session), 1)
    this.#leave(session)
    for (const stanza of undelivered) if (stanza.name === 'message') this.#lost(account, stanza as Message)
    const order = [...this.#messages.keys()]
    account.waiting.sort((a, b) => order.indexOf(a.message.id!) - order.indexOf(b.message.id!))
  }

  /** What sessions lost has reached the others of their accounts: this follows upon the end of the session. */
  passedOn(): void {
    for (const account of this.#passing) {
      const others = willing(account)
      if (others.length === 0) continue
      for (const { message } of account.waiting.splice(0)) for (const other of others) this.#hand(other, message, false)
    }
    this.#passing.clear()
  }

  /** The server has died: what was not passed on waits for who comes next. */
  died(): void {
    this.#passing.clear()
  }

  took(session: ModelSession, stanza: Stanza): void {
    session.handled++
    const stamped = stanza.addressed({ from: session.jid })
    if (stamped.name === 'message') this.#message(session, stamped as Message)
    else if (stamped.name === 'presence') this.#presence(session, stamped as Presence)
    else this.#iq(session, stanza)
  }

  // Messages

  #message(sender: ModelSession, message: Message): void {
    const own = sender.account
    const to = message.to ?? own.jid
    const isOwn = to.bare.equals(own.jid)
    const type = typeOf(message)
    this.#messages.set(message.id!, this.#now())
    if (!isOwn) {
      if (isArchived(message)) own.archive.push(message.id!)
      if (isCopied(message)) this.#copy('sent', message, own, [sender])
    }
    if (!this.#domains.has(to.domain)) return this.#refuse(message, 'remote-server-not-found')
    const account = this.accounts.get(to.bare.toString())
    // RFC 6121 §8.5.1; a headline is dropped in silence.
    if (!account) {
      if (type !== 'headline') this.#refuse(message, 'service-unavailable')
      return
    }
    const takers = this.#takers(account, to, type)
    const waits = takers.length === 0 && isForAccount(message) && !hasHint(message, 'no-store')
    if (takers.length === 0 && !waits) {
      // RFC 6121 §8.5.2.1.2, §8.5.2.2, §8.5.3.2.1
      if (type !== 'headline') this.#refuse(message, 'service-unavailable')
      return
    }
    if (isArchived(message)) account.archive.push(message.id!)
    for (const taker of takers) this.#hand(taker, message)
    if (waits) account.waiting.push({ message, isLost: false })
    if (isCopied(message)) this.#copy('received', message, account, [sender, ...takers])
  }

  /** RFC 6121 §8.5: of the choices of §8.5.2.1.1, all resources whose priority is not negative. */
  #takers(account: ModelAccount, to: Jid, type: string): readonly ModelSession[] {
    if (!to.isBare) {
      const match = account.sessions.find(({ jid }) => jid.equals(to))
      if (match) return [match]
      return type === 'chat' ? willing(account) : []
    }
    return type === 'groupchat' || type === 'error' ? [] : willing(account)
  }

  #hand(session: ModelSession, message: Message, isInOrder = true): void {
    session.expected.push({ what: 'message', id: message.id!, of: message.from!.toString(), isInOrder })
  }

  #copy(what: 'sent' | 'received', message: Message, account: ModelAccount, but: readonly ModelSession[]): void {
    for (const session of account.sessions) {
      if (session.carbonsSince === undefined || but.includes(session)) continue
      session.expected.push({ what, id: message.id!, of: message.from!.toString(), isInOrder: false })
    }
  }

  #refuse(message: Message, condition: string): void {
    if (typeOf(message) === 'error') return
    this.session(message.from!)?.expected.push({ what: 'error', id: message.id!, of: condition, isInOrder: false })
  }

  /** XEP-0198 §4: what a session never acknowledged goes to the others of the account, unless one of them knows it; or it waits. */
  #lost(account: ModelAccount, message: Message): void {
    const type = typeOf(message)
    // Copies, and answers to queries, are the account's own.
    if ((type !== 'chat' && type !== 'normal') || account.jid.equals(message.from)) return
    const others = willing(account)
    if (others.length > 0) {
      const how = others.map(({ jid, expected }) => {
        if (jid.equals(message.from)) return 'sent'
        return expected.find(({ what, id }) => id === message.id && (what === 'message' || what === 'received'))?.what
      })
      if (how.some((known) => known)) {
        const at = this.#messages.get(message.id!)!
        const isCertain = others.some(({ willingSince = at, carbonsSince = at }, i) => {
          if (how[i] === 'message') return willingSince < at
          return how[i] === 'sent' || (how[i] === 'received' && carbonsSince < at)
        })
        if (!isCertain) this.uncertain.add(message.id!)
        return
      }
    }
    if (!hasHint(message, 'no-store')) {
      if (others.length > 0) this.#passing.add(account)
      // Two sessions may have lost the same one.
      if (!account.waiting.some(({ message: { id } }) => id === message.id))
        account.waiting.push({ message, isLost: true })
    } else if (others.length === 0) this.#refuse(message, 'service-unavailable')
    else for (const other of others) this.#hand(other, message, false)
  }

  // Presence

  #presence(session: ModelSession, presence: Presence): void {
    const { type, to } = presence
    const status = presence.child('status')?.text
    switch (type) {
      case undefined:
      case 'unavailable':
        if (to) this.#direct(session, to, type ? undefined : status)
        else if (type) this.#leave(session)
        else this.#appear(session, status!, Number(presence.child('priority')?.text ?? 0))
        break
      case 'subscribe':
      case 'subscribed':
      case 'unsubscribe':
      case 'unsubscribed':
        if (!to!.bare.equals(session.account.jid)) this.#asks(session.account, type, to!.bare)
    }
  }

  /** RFC 6121 §4.2, §4.4 */
  #appear(session: ModelSession, status: string, priority: number): void {
    const { account, presence: before } = session
    session.presence = { status, priority }
    for (const jid of this.#subscribers(account)) this.#tell(session, jid, status)
    this.#tell(session, account.jid, status)
    if (!before) {
      for (const other of available(account)) if (other !== session) see(session, other, other.presence!.status)
      for (const [jid, contact] of account.contacts) {
        // §4.3
        const other = this.accounts.get(jid)
        if (contact.to && other?.contacts.get(account.jid.toString())?.from)
          for (const theirs of available(other)) see(session, theirs, theirs.presence!.status)
        // §3.1.3
        if (contact.pendingIn) session.requests.push(`subscribe ${jid}`)
      }
    }
    if (priority < 0) session.willingSince = undefined
    else if (session.willingSince === undefined) {
      session.willingSince = this.#now()
      for (const { message, isLost } of account.waiting.splice(0)) this.#hand(session, message, !isLost)
    }
  }

  /** RFC 6121 §4.5, §4.6.3 */
  #leave(session: ModelSession): void {
    const { account, presence } = session
    session.presence = session.willingSince = undefined
    if (presence) {
      for (const jid of this.#subscribers(account)) this.#tell(session, jid, undefined)
      this.#tell(session, account.jid, undefined)
      see(session, session, undefined)
    }
    for (const jid of session.directed) this.#tell(session, Jid.parse(jid), undefined)
    session.directed.clear()
  }

  #direct(session: ModelSession, to: Jid, status: string | undefined): void {
    if (status === undefined) session.directed.delete(to.toString())
    else if (!to.bare.equals(session.account.jid)) session.directed.add(to.toString())
    this.#tell(session, to, status)
  }

  #subscribers({ contacts }: ModelAccount): Jid[] {
    return [...contacts].filter(([, { from }]) => from).map(([jid]) => Jid.parse(jid))
  }

  /** RFC 6121 §8.5.2.1.1, §8.5.3.1: presence of the session is sent to somebody. */
  #tell(session: ModelSession, to: Jid, status: string | undefined): void {
    const account = this.accounts.get(to.bare.toString())
    if (!account) return
    for (const other of to.isBare ? available(account) : account.sessions.filter(({ jid }) => jid.equals(to)))
      see(other, session, status)
  }

  // Subscriptions

  /** RFC 6121 A.2: what the account's own stanza does. */
  #asks(account: ModelAccount, type: string, to: Jid): void {
    const contact = contactOf(account, to)
    switch (type) {
      case 'subscribe':
        if (!contact.to) contact.pendingOut = contact.isListed = true
        break
      case 'unsubscribe':
        contact.to = contact.pendingOut = false
        break
      case 'subscribed':
        if (!contact.pendingIn) {
          // §3.4.2
          if (!contact.from) contact.isApproved = contact.isListed = true
          return
        }
        contact.pendingIn = contact.isApproved = false
        contact.from = contact.isListed = true
        break
      case 'unsubscribed':
        contact.isApproved = false
        if (!contact.pendingIn && !contact.from) return
        // §3.2.2
        if (contact.from) for (const session of available(account)) this.#tell(session, to, undefined)
        contact.pendingIn = contact.from = false
    }
    this.#isAsked(account, type, to)
    if (type === 'subscribed') this.#show(account, to)
  }

  /** RFC 6121 A.3: what it does to the other one. */
  #isAsked(by: ModelAccount, type: string, jid: Jid): void {
    const account = this.accounts.get(jid.toString())
    if (!account) return
    const contact = contactOf(account, by.jid)
    const interested = account.sessions.filter(({ isInterested }) => isInterested)
    switch (type) {
      case 'subscribe':
        if (contact.from || contact.isApproved) {
          // §3.1.3, §3.4.2: an approval is good for one request.
          contact.from = true
          contact.isApproved = false
          this.#isAsked(account, 'subscribed', by.jid)
          return this.#show(account, by.jid)
        }
        if (contact.pendingIn) return
        contact.pendingIn = true
        return request(available(account), type, by)
      case 'subscribed':
        if (!contact.pendingOut) return
        contact.pendingOut = false
        contact.to = true
        return request(interested, type, by)
      case 'unsubscribed':
        if (!contact.to && !contact.pendingOut) return
        contact.to = contact.pendingOut = false
        return request(interested, type, by)
      case 'unsubscribe':
        if (!contact.from && !contact.pendingIn) return
        request(interested, type, by)
        // §3.3.3
        if (contact.from) for (const session of available(account)) this.#tell(session, by.jid, undefined)
        contact.from = contact.pendingIn = false
    }
  }

  /** §3.1.5 */
  #show(account: ModelAccount, to: Jid): void {
    for (const session of available(account)) this.#tell(session, to, session.presence!.status)
  }

  // Requests

  #iq(session: ModelSession, stanza: Stanza): void {
    const payload = stanza.first()
    if (!payload) return
    if (payload.ns !== rosterNs) {
      if (payload.name === 'enable') session.carbonsSince ??= this.#now()
      else if (payload.name === 'disable') session.carbonsSince = undefined
      return
    }
    const { account } = session
    if (stanza.type === 'get') session.isInterested = true
    else if (stanza.type === 'set') {
      const { jid, name = '', groups, subscription } = RosterQuery.read(payload).items[0]!
      const contact = contactOf(account, jid)
      if (subscription !== 'remove') Object.assign(contact, { name, groups, isListed: true })
      else if (contact.isListed) this.#remove(account, jid, contact)
    }
  }

  /** RFC 6121 §2.5.2; requests without an answer, of which it says nothing, end like subscriptions. */
  #remove(account: ModelAccount, jid: Jid, { to, from, pendingIn, pendingOut }: ModelContact): void {
    if (from) for (const session of available(account)) this.#tell(session, jid, undefined)
    account.contacts.delete(jid.toString())
    if (from || pendingIn) this.#isAsked(account, 'unsubscribed', jid)
    if (to || pendingOut) this.#isAsked(account, 'unsubscribe', jid)
  }
}

function contactOf({ contacts }: ModelAccount, jid: Jid): ModelContact {
  let contact = contacts.get(jid.toString())
  if (!contact) contacts.set(jid.toString(), (contact = newContact()))
  return contact
}

function see(session: ModelSession, other: ModelSession, status: string | undefined): void {
  note(session.seen, other.jid.toString(), status)
}

function request(sessions: readonly ModelSession[], type: string, { jid }: ModelAccount): void {
  for (const session of sessions) session.requests.push(`${type} ${jid.toString()}`)
}
