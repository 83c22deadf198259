import { type Element, type Iq, type Jid, type Message, Stanza, StanzaError, StreamError } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { Passage, Target, Undelivered } from '../module.ts'
import type { Session } from '../session/session.ts'
import type { SessionRouter, Sessions } from '../session/sessions.ts'
import { when } from '../when.ts'
import type { Awaitable, Clock } from '../world.ts'
import { choose, undeliverable } from './delivery.ts'
import type { Hook } from './hooks.ts'
import type { VirtualHost } from './host.ts'
import { Passing } from './passing.ts'
import type { ServedDomain } from './service.ts'
import { UnreachableError } from './unreachable.ts'

const askTimeout = 30_000

const nobody: readonly Session[] = []

interface Asked {
  readonly from: string
  readonly to: string
  readonly settle: (answer: Element | undefined | StanzaError) => void
}

/**
 * Takes each stanza from its sender to whoever it is for, through the hooks of the modules. The one place where a thrown StanzaError
 * becomes an error reply.
 */
export class Router implements SessionRouter {
  readonly hosts = new Map<string, VirtualHost>()
  readonly #services = new Map<string, ServedDomain>()
  readonly #sessions: Sessions
  readonly #clock: Clock
  readonly #log: Logger
  readonly #forget: (session: Session) => Awaitable<void>
  readonly #asked = new Map<string, Asked>()
  #lastAsk = 0
  isStopped = false
  readonly counts = { messages: 0, presences: 0, iqs: 0, errors: 0, faults: 0, bound: 0, resumed: 0, ended: 0 }

  /** @param forget called last of all when a session has gone */
  constructor(sessions: Sessions, clock: Clock, log: Logger, forget: (session: Session) => Awaitable<void>) {
    this.#forget = forget
    this.#sessions = sessions
    this.#clock = clock
    this.#log = log
  }

  /** Handles a stanza that a session sent; resolves (or returns, when nothing waits) when all its effects are there. */
  accept(received: Stanza, session: Session): Awaitable<void> {
    const { from } = received
    // RFC 6120 §8.1.2.1
    if (from && !from.equals(session.jid) && !from.equals(session.account))
      throw new StreamError('invalid-from', 'The stanza names another sender')
    const stanza = from?.equals(session.jid) ? received : received.addressed({ from: session.jid })
    this.#count(stanza)
    return this.#attempt(stanza, session)
  }

  /** Routes a stanza of the server's or of a module's; its `from` is set. */
  send(stanza: Stanza): void {
    void this.pass(stanza)
  }

  /** The same; resolves (or returns, when nothing waits) when all its effects are there. */
  pass(stanza: Stanza): Awaitable<void> {
    const apart = this.#keptApart(stanza)
    if (apart === 'silently') return
    if (apart) return this.#refuseLater(stanza, apart)
    return this.#pass(stanza)
  }

  /** Handles a message of a host's own, or of an account's as if a session of it had sent it. @throws StanzaError */
  submit(message: Message): Awaitable<void> {
    const { from } = message
    return from!.local === undefined ? this.#route(message, undefined) : this.#accept(message, undefined)
  }

  /** Routes a stanza in the name of the account that is its `from`, as if it had sent it. */
  sendAs(stanza: Stanza): void {
    void this.#attempt(stanza, undefined)
  }

  /** Whether a domain is served from outside, if at all. */
  isElsewhere(domain: string): boolean {
    return !this.hosts.has(domain) && this.#services.get(domain)?.isRemote !== false
  }

  /** Handles a stanza of a component's, whose `from` and `to` are set; resolves (or returns) like `accept`. */
  acceptRemote(stanza: Stanza): Awaitable<void> {
    try {
      if (stanza.name === 'iq') checkIq(stanza)
    } catch (error) {
      return this.#refuse(stanza, error)
    }
    return this.pass(stanza)
  }

  /** Sends a request and resolves with the payload of its result; rejects with the StanzaError answered. */
  ask(iq: Iq): Promise<Element | undefined> {
    return this.#ask(iq, (request) => this.send(request))
  }

  /** The same in the name of an account: see `sendAs`. */
  askAs(iq: Iq): Promise<Element | undefined> {
    return this.#ask(iq, (request) => this.sendAs(request))
  }

  #ask(iq: Iq, send: (request: Iq) => void): Promise<Element | undefined> {
    const id = `jackdaw-${++this.#lastAsk}`
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(askTimeout, () => settle(new StanzaError('remote-server-timeout')))
      const settle = (answer: Element | undefined | StanzaError) => {
        cancel()
        this.#asked.delete(id)
        if (answer instanceof StanzaError) reject(answer)
        else resolve(answer)
      }
      this.#asked.set(id, { from: String(iq.from), to: String(iq.to), settle })
      send(iq.with({ id }))
    })
  }

  /** Lets a service have what is for its domain; returns what ends that. */
  serve(service: ServedDomain): () => void {
    const { domain } = service.domain
    if (this.#services.has(domain)) throw new Error(`${domain} is served by another module`)
    this.#services.set(domain, service)
    return () => void this.#services.delete(domain)
  }

  // What the registry of sessions asks

  sending(stanza: Stanza, session: Session): Stanza | undefined {
    const passage = { stanza, session }
    return this.#hostOf(session.jid).hooks['session:send'].run(passage) === 'stop' ? undefined : passage.stanza
  }

  farewell(session: Session): Awaitable<void> {
    if (session.isAvailable || session.get('directed'))
      return this.accept(Stanza.of('presence', { from: session.jid, type: 'unavailable' }, []), session)
  }

  bound(session: Session): void {
    this.counts.bound++
    void this.#hostOf(session.jid).tell('session:bound', { session })
  }

  resumed(session: Session): void {
    this.counts.resumed++
    void this.#hostOf(session.jid).tell('session:resumed', { session })
  }

  gone(session: Session, undelivered: readonly Undelivered[]): Awaitable<void> {
    this.counts.ended++
    this.#log.debug({ jid: session.jid.toString(), undelivered: undelivered.length }, 'a session has ended')
    for (const { stanza } of undelivered)
      if (stanza.name === 'iq' && (stanza.type === 'get' || stanza.type === 'set'))
        this.#refuse(stanza, new StanzaError('service-unavailable'))
    return when(this.#hostOf(session.jid).tell('session:gone', { session, undelivered }), () => this.#forget(session))
  }

  ended(session: Session): void {
    // The host may have gone before it.
    void this.hosts.get(session.jid.domain)?.tell('session:ended', { session })
  }

  resources(account: Jid): number | undefined {
    return this.#hostOf(account).roles.limit(account, 'resourcesPerAccount')
  }

  /** Whether a role does not reach the other's domain. What is said then of who is addressed is what is said of nobody. */
  #keptApart({ name, from, to }: Stanza): StanzaError | 'silently' | undefined {
    if (!to || from!.domain === to.domain) return undefined
    if (!this.#reaches(from!, to)) return new StanzaError('forbidden', 'You may not reach other domains')
    if (!this.#reaches(to, from!)) return name === 'presence' ? 'silently' : new StanzaError('service-unavailable')
  }

  #reaches(who: Jid, { domain }: Jid): boolean {
    const host = this.hosts.get(who.domain)
    if (!host || who.local === undefined || host.roles.may(who, 'domains')) return true
    for (const service of host.services) if (service.domain.domain === domain) return true
    return false
  }

  #hostOf(jid: Jid): VirtualHost {
    return this.hosts.get(jid.domain)!
  }

  #attempt(stanza: Stanza, session: Session | undefined): Awaitable<void> {
    try {
      const wait = this.#accept(stanza, session)
      if (wait instanceof Promise) return wait.catch((error: unknown) => this.#fail(stanza, session, error))
    } catch (error) {
      this.#fail(stanza, session, error)
    }
  }

  #pass(stanza: Stanza): Awaitable<void> {
    try {
      const wait = this.#route(stanza, undefined)
      if (wait instanceof Promise) return wait.catch((error: unknown) => this.#fail(stanza, undefined, error))
    } catch (error) {
      this.#fail(stanza, undefined, error)
    }
  }

  #fail(stanza: Stanza, session: Session | undefined, error: unknown): void {
    if (error instanceof UnreachableError && !session) this.#refuseLater(stanza, error)
    else this.#refuse(stanza, error)
  }

  #refuseLater(stanza: Stanza, error: StanzaError): void {
    this.#clock.soon(() => this.#refuse(stanza, error))
  }

  #accept(stanza: Stanza, session: Session | undefined): Awaitable<void> {
    if (stanza.name === 'iq') checkIq(stanza)
    const apart = this.#keptApart(stanza)
    if (apart === 'silently') return
    if (apart) throw apart
    const passage = new Passing(stanza, session, nobody)
    const verdict = outHook(this.#hostOf(stanza.from!), stanza).run(passage)
    if (verdict instanceof Promise)
      return verdict.then((awaited) => (awaited === 'stop' ? undefined : this.#route(passage.stanza, session)))
    if (verdict !== 'stop') return this.#route(passage.stanza, session)
  }

  #route(stanza: Stanza, sender: Target | undefined): Awaitable<void> {
    // RFC 6120 §10.3: without 'to' it is for the sender's own account.
    const to = stanza.to ?? stanza.from!.bare
    const host = this.hosts.get(to.domain)
    if (!host) return this.#routeToService(stanza, to, sender)
    if (stanza.name === 'iq') return this.#routeIq(stanza as Iq, to, host, sender)
    const sessions = to.local === undefined ? nobody : choose(stanza, to, this.#sessions.of(to.bare))
    const passage = new Passing(stanza, sender, sessions)
    // Whether an account exists need not be asked while it has a session here.
    if (stanza.name === 'message' && sessions.length === 0 && to.local !== undefined) {
      const exists = this.#sessions.of(to.bare).length > 0 || host.accounts.exists(to.bare)
      if (exists instanceof Promise) return exists.then((does) => this.#arrive(passage, host, does))
      return this.#arrive(passage, host, exists)
    }
    return this.#arrive(passage, host, true)
  }

  #arrive(passage: Passing, host: VirtualHost, exists: boolean): Awaitable<void> {
    if (!exists) return this.#hand(passage)
    const verdict = inHook(host, passage.stanza).run(passage, this.#renew)
    if (verdict instanceof Promise)
      return verdict.then((awaited) => (awaited === 'stop' ? undefined : this.#hand(passage)))
    if (verdict !== 'stop') this.#hand(passage)
  }

  /** Who has left while a module waited has not been there: the stanza goes to the others of the account, if any, or waits. */
  readonly #renew = ({ stanza, recipients }: Passage): void => {
    let hasLeft = false
    for (const target of recipients) if (target.isEnded) hasLeft = recipients.delete(target)
    if (!hasLeft || recipients.size > 0) return
    const to = stanza.to ?? stanza.from!.bare
    for (const session of choose(stanza, to, this.#sessions.of(to.bare))) recipients.add(session)
  }

  #hand(passage: Passing): void {
    const { stanza } = passage
    let isHanded = passage.isKept
    for (const target of passage.targets) {
      target.deliver(stanza)
      isHanded = true
    }
    if (isHanded || stanza.name !== 'message') return
    const condition = undeliverable(stanza)
    if (condition) throw new StanzaError(condition)
  }

  #routeIq(iq: Iq, to: Jid, host: VirtualHost, sender: Target | undefined): Awaitable<void> {
    const passage = new Passing(iq, sender, nobody)
    const verdict = host.hooks['iq:in'].run(passage)
    if (verdict instanceof Promise)
      return verdict.then((awaited) =>
        awaited === 'stop' ? undefined : this.#handIq(passage.stanza, to, host, sender),
      )
    if (verdict !== 'stop') return this.#handIq(passage.stanza, to, host, sender)
  }

  #handIq(iq: Iq, to: Jid, host: VirtualHost, sender: Target | undefined): Awaitable<void> {
    const isRequest = iq.type === 'get' || iq.type === 'set'
    if (!to.isBare && to.local !== undefined) {
      const session = this.#sessions.get(to)
      if (session) return session.deliver(iq)
      if (isRequest) throw new StanzaError('service-unavailable')
      return
    }
    if (!isRequest) return void this.#answered(iq)
    const place = to.local === undefined ? 'server' : 'account'
    const answer = host.answers.reply(iq, place, to.isBare ? to : host.domain, sender)
    // RFC 6121 §8.5.1: the same for an account that does not exist, so that nobody learns which do.
    if (!answer) throw new StanzaError('service-unavailable')
    return when(answer.result, (payload) => this.#result(iq, payload, sender))
  }

  #routeToService(stanza: Stanza, to: Jid, sender: Target | undefined): Awaitable<void> {
    const service = this.#services.get(to.domain)
    if (!service) throw new UnreachableError('remote-server-not-found', `${to.domain} is not served here`)
    if (stanza.name !== 'iq') return service.take(stanza, sender)
    const iq = stanza as Iq
    const isRequest = iq.type === 'get' || iq.type === 'set'
    if (!isRequest) return this.#answered(iq) ? undefined : service.take(iq, sender)
    const answer = to.isBare
      ? service.answers.reply(iq, to.local === undefined ? 'domain' : 'local', to, sender)
      : undefined
    if (!answer) return service.take(iq, sender)
    return when(answer.result, (payload) => this.#result(iq, payload, sender))
  }

  #result(iq: Iq, payload: Element | void, sender: Target | undefined): void {
    const result = iq.reply('result', payload ?? undefined)
    if (sender) sender.deliver(result)
    else this.send(result)
  }

  /** Settles what was asked; false when nobody asked this. */
  #answered(iq: Iq): boolean {
    const asked = this.#asked.get(iq.id!)
    if (asked?.to !== String(iq.from) || asked.from !== String(iq.to)) return false
    asked.settle(iq.type === 'error' ? StanzaError.from(iq) : iq.first())
    return true
  }

  #count(stanza: Stanza): void {
    if (stanza.name === 'message') this.counts.messages++
    else if (stanza.name === 'presence') this.counts.presences++
    else this.counts.iqs++
  }

  /** RFC 6120 §8.3.1: an error is answered to the sender, unless what failed is an error itself or an answer. */
  #refuse(stanza: Stanza, error: unknown): void {
    // What was under way when the server stopped has not been counted: its client sends it again.
    if (this.isStopped) return
    this.counts.errors++
    if (!(error instanceof StanzaError)) {
      this.counts.faults++
      this.#log.error({ err: error, kind: stanza.name }, 'a stanza could not be handled')
    }
    if (stanza.type === 'error' || stanza.type === 'result') return
    const told = error instanceof StanzaError ? error : new StanzaError('internal-server-error')
    const { from } = stanza
    if (!from) return
    const reply = stanza.to ? stanza.error(told) : stanza.error(told).addressed({ to: from, from: from.bare })
    const session = from.isBare ? undefined : this.#sessions.get(from)
    if (session) session.deliver(reply)
    // A component speaks as its domain, too; what the host itself has asked it awaits, and nothing else.
    else if (from.local !== undefined || stanza.name === 'iq' || this.#services.get(from.domain)?.isRemote)
      void this.#pass(reply)
  }
}

// To look a hook up by a name that is another each time would be slow.

function outHook({ hooks }: VirtualHost, { name }: Stanza): Hook<Passage> {
  const hook = name === 'message' ? hooks['message:out'] : name === 'iq' ? hooks['iq:out'] : hooks['presence:out']
  return hook as Hook<Passage<any>>
}

function inHook({ hooks }: VirtualHost, { name }: Stanza): Hook<Passage> {
  return (name === 'message' ? hooks['message:in'] : hooks['presence:in']) as Hook<Passage<any>>
}

/** RFC 6120 §8.2.3 */
function checkIq(iq: Stanza): void {
  if (iq.id === undefined) throw new StanzaError('bad-request', 'An iq needs an id')
  let children = 0
  for (const node of iq.children) if (typeof node !== 'string') children++
  switch (iq.type) {
    case 'get':
    case 'set':
      if (children !== 1) throw new StanzaError('bad-request', 'A request holds exactly one element')
      return
    case 'result':
      if (children > 1) throw new StanzaError('bad-request', 'A result holds at most one element')
      return
    case 'error':
      return
    default:
      throw new StanzaError('bad-request', "The type of an iq is 'get', 'set', 'result' or 'error'")
  }
}
