// Longer than the others: the whole contract between modules and the server, for whoever writes one to read in one place.
import type { Delegations, Element, Iq, Jid, Message, Payload, Presence, Privileges, Stanza } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type * as z from 'zod'
import type { Call, Endpoint } from './endpoint.ts'
import type { StreamFeature } from './stream/features.ts'
import type { LogStore, MapStore } from './storage/storage.ts'
import type { Awaitable, Clock, Json, Random } from './world.ts'

/**
 * One extension. Declared by `defineModule`; started once for each virtual host on which it is enabled. All that it registers with its
 * `Host` is undone when it is unloaded, in reverse.
 */
export interface Module<F extends z.ZodObject = any, S extends Stores = any, Api = any> {
  /** The file's own name; its section under `modules` in the configuration. */
  readonly name: string
  /** Extension and version implemented: 'XEP-0280 1.0.1'. The support table is made of these. */
  readonly xeps?: readonly string[]
  /** Modules that it uses: started before it, stopped after it. */
  readonly needs?: readonly Module[]
  /** Service discovery features of the server and of its accounts, advertised while the module runs. */
  readonly features?: { readonly server?: readonly string[]; readonly account?: readonly string[] }
  /** Accounts that do not have it are not told to have its features. */
  readonly right?: Right
  /** Type, default, bounds and one sentence of help for each field. */
  readonly config?: F
  /** Loaded only where the configuration names it. */
  readonly isOptIn?: boolean
  /** What it keeps; opened before start. */
  readonly stores?: S
  /** What it returns is what `use` gives to others. */
  start(host: Host<F, S>): Awaitable<Api>
}

export type StoreKind<T extends Json = any> = { readonly kind: 'map' | 'log'; readonly value?: T }
export type Stores = Readonly<Record<string, StoreKind>>
export type Opened<S extends Stores> = {
  readonly [K in keyof S]: S[K] extends { kind: 'map'; value?: infer T extends Json }
    ? MapStore<T>
    : S[K] extends { kind: 'log'; value?: infer T extends Json }
      ? LogStore<T>
      : never
}

/** A store of values under keys. */
export const map = <T extends Json>(): { readonly kind: 'map'; readonly value?: T } => ({ kind: 'map' })
/** A store of entries in order. */
export const log = <T extends Json>(): { readonly kind: 'log'; readonly value?: T } => ({ kind: 'log' })

/** One virtual host, seen by one module. */
export interface Host<F extends z.ZodObject = any, S extends Stores = any> {
  readonly domain: Jid
  readonly config: z.output<F>
  readonly stores: Opened<S>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** May alter, refuse (throw a StanzaError) or end ('stop') the passage of a stanza. */
  hook<K extends keyof Hooks>(at: K, stage: Stage, handler: Handler<Hooks[K]>): void
  /** Is told what happened. */
  on<K extends keyof Facts>(fact: K, listener: (about: Facts[K]) => Awaitable<void>): void
  /** Tells the host's modules what has happened. */
  tell<K extends keyof Facts>(fact: K, about: Facts[K]): void
  /** Answers an IQ: what it returns is the result's payload; a thrown StanzaError is the error. */
  answer<T>(type: 'get' | 'set', at: Place, payload: Payload<T>, reply: Reply<T>): void
  streamFeature(feature: StreamFeature): void
  /** Service discovery features that come and go. Those of the declaration need no call. */
  feature(place: Place, name: string): void
  /** All that are advertised now, by whatever module, each once, the same array until one comes or goes; or those of them that are for `account`. */
  features(place: Place, account?: Jid): readonly string[]
  /** Serves a domain below the host's: with the label 'rooms', rooms.example.org. */
  serve(label: string, served: Served): Service
  /** What the host has beside its accounts: the domains that are served below its own, by whatever module, and components that are connected. */
  services(): Iterable<{ readonly domain: Jid; readonly name: string | undefined }>
  /** The component of this host that serves a domain; all that are configured. They change with the configuration. */
  component(domain: string): HostComponent | undefined
  components(): Iterable<HostComponent>
  /** Whether an address is in a virtual host of this server: of those all sessions are known. */
  isOfServer(entity: Jid): boolean
  /** Whether an address is in a domain that this server does not serve itself: a component's, or another server's. */
  isElsewhere(entity: Jid): boolean
  http(path: string, serve: HttpServe): void
  /** Adds an operation to the REST API. */
  endpoint<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(endpoint: Endpoint<P, Q, B>): void
  /** All operations of the REST API, by whatever module; another array when they have changed. */
  endpoints(): readonly Endpoint[]
  /** The port at which HTTPS is served, or will be; undefined where it is not. */
  httpsPort(): number | undefined
  /** Where the module may keep files of this host, a path; made by who needs it. Undefined where data is kept in memory only. */
  readonly folder: string | undefined
  /** Resolves when all effects so far have been committed: for what is told by other ways than stanzas. */
  kept(): Promise<void>
  /** Why nothing can be kept at present; undefined when all is well. */
  trouble(): string | undefined
  /** The sessions that are bound to a local account, or to any of the host's, in no order. */
  sessions(account?: Jid): Iterable<Target>
  /** The session with this full JID. */
  session(jid: Jid): Target | undefined
  readonly accounts: Accounts
  readonly roles: Roles
  readonly audit: Audit
  /** Routes a stanza; `from` must be set. What goes wrong with it is answered to `from`, not thrown. */
  send(stanza: Stanza): void
  /** The same; resolves (or returns, when nothing waits) when all its effects are there: for what somebody's client is told has been handled. */
  pass(stanza: Stanza): Awaitable<void>
  /**
   * Handles a message of the host's own, or of an account of it as if a session of that had sent it; `from` and `to` must be set. Resolves
   * (or returns) when all its effects are there. @throws StanzaError what its sender would be answered
   */
  submit(stanza: Message): Awaitable<void>
  /** The same for what an account of this host sends, its `from`, though none of its sessions does: through the hooks ':out'. */
  sendAs(stanza: Stanza): void
  /** Asks and awaits the answer; rejects with the StanzaError answered, or remote-server-timeout after 30 s. */
  ask(iq: Iq): Promise<Element | undefined>
  /** The same, as `sendAs`. */
  askAs(iq: Iq): Promise<Element | undefined>
  use<Api>(module: Module<any, any, Api>): Api
  readonly metrics: Metrics
  /** Rare: all the above is undone by itself. */
  onStop(undo: () => Awaitable<void>): void
}

/** Shown at the server's /metrics, labelled with the host; gone when the module stops. Names begin with `jackdaw_`. */
export interface Metrics {
  counter(name: string, help: string): { inc(by?: number): void }
  /** A count for each combination of what these labels say. */
  counters(
    name: string,
    help: string,
    labels: readonly string[],
  ): { inc(values: Readonly<Record<string, string>>): void }
  gauge(name: string, help: string, collect: () => number): void
  histogram(name: string, help: string, buckets: readonly number[]): { observe(value: number): void }
}

/** 'server': addressed to the domain; 'account': to a bare JID of it, or to nobody, which means the sender's own. */
export type Place = 'server' | 'account'

export interface IqRequest<T> {
  readonly iq: Iq
  readonly payload: T
  /** Full JID of who asks. */
  readonly from: Jid
  /** The bare JID asked. */
  readonly to: Jid
  /** The asking session, when it is a local one. */
  readonly sender: Target | undefined
  /** Whether an account asks itself. */
  readonly isOwn: boolean
}
export type Reply<T> = (request: IqRequest<T>) => Awaitable<Element | void>

/**
 * What a module does with stanzas that are for the domain which it serves, or for any address of it, whoever sent them. What it does
 * not name is answered with service-unavailable (presence: not at all). Hooks of the host do not see them arrive.
 */
export interface Served {
  /** For a human reader, in the host's list of what it has. */
  readonly name: string
  message?(stanza: Message, sender: Target | undefined): Awaitable<void>
  presence?(stanza: Presence, sender: Target | undefined): Awaitable<void>
  /** Requests that nobody answers, and answers that nobody awaits. */
  iq?(stanza: Iq, sender: Target | undefined): Awaitable<void>
}

/** 'domain': addressed to the service itself; 'local': to a bare JID of it. */
export type ServicePlace = 'domain' | 'local'

/** A domain that a module serves. To send from an address of it: `host.send`. */
export interface Service {
  readonly domain: Jid
  /** Answers an IQ, as `Host.answer` does. */
  answer<T>(type: 'get' | 'set', at: ServicePlace, payload: Payload<T>, reply: Reply<T>): void
}

/** The order in which hooks see a stanza: refuse; add; keep; copy; hand over. Within a stage, the order of registration. */
export const stages = ['check', 'stamp', 'store', 'copy', 'deliver'] as const
export type Stage = (typeof stages)[number]
export type Handler<P> = (passage: P) => Awaitable<'stop' | void>

/** A stanza on its way. `stanza` may be replaced (stanzas are immutable). */
export interface Passage<S extends Stanza = Stanza> {
  stanza: S
  /** The local session that sent it, if one did. */
  readonly sender: Target | undefined
  /** Local sessions that get it; the hooks may add and remove. Empty in ':out'. */
  readonly recipients: Set<Target>
  /** Set by a store that keeps it for a recipient who is away: then nobody is told that it could not be delivered. */
  isKept: boolean
}

/** ':out' sees what a local account sends, its `from`, mostly by a session; ':in' what arrives for a local account or session (the sender's `to` is set). */
export interface Hooks {
  'message:out': Passage<Message>
  'message:in': Passage<Message>
  'presence:out': Passage<Presence>
  'presence:in': Passage<Presence>
  'iq:out': Passage<Iq>
  'iq:in': Passage<Iq>
  /** Each stanza as it is handed to one session. */
  'session:send': { stanza: Stanza; readonly session: Target }
}

/** A stanza that was handed to a session, and when: milliseconds since the Unix epoch. */
export interface Undelivered {
  readonly at: number
  readonly stanza: Stanza
}

/** Told, not asked, in the tick of what they tell of: what a listener keeps at once is in the same commit, where nothing else is said. */
export interface Facts {
  /** A resource has been bound. */
  'session:bound': { readonly session: Target }
  /** XEP-0198: another stream carries it on, and has been given what was never acknowledged. */
  'session:resumed': { readonly session: Target }
  /** A session has ended for good (closed, timed out, replaced): before this its last unavailable presence was sent. `undelivered` was never acknowledged. */
  'session:gone': { readonly session: Target; readonly undelivered: readonly Undelivered[] }
  /** After that, when all who were told have done what they had to. */
  'session:ended': { readonly session: Target }
  'account:created': { readonly account: Jid }
  /** It is going: all that it owns is dropped when those who are told have done what they had to, in a later commit. */
  'account:removed': { readonly account: Jid }
  /** It has gone. */
  'account:dropped': { readonly account: Jid }
  'password:changed': { readonly account: Jid }
  'act:recorded': Act
  /** A message is in the archive of an account; `other` is who the account talks with. Times are milliseconds since the Unix epoch. */
  'message:kept': {
    readonly account: Jid
    readonly other: Jid
    readonly id: string
    readonly at: number
    readonly message: Message
  }
  /** A message is in the archive of a room. Bare JIDs. */
  'room-message:kept': {
    readonly room: string
    readonly author: string
    readonly id: string
    readonly at: number
    readonly message: Message
  }
  'room:created': { readonly room: Jid; readonly by: Jid }
  'room:destroyed': { readonly room: Jid }
  /** Somebody is in a room, or no longer, whatever the number of sessions. */
  'room:entered': { readonly room: Jid; readonly user: Jid; readonly nick: string }
  'room:left': { readonly room: Jid; readonly user: Jid; readonly nick: string }
  /** A file is there, for whoever has its URL. */
  'file:uploaded': {
    readonly account: string
    readonly id: string
    readonly name: string
    /** Bytes. */
    readonly size: number
    /** The media type. */
    readonly type: string
  }
  /** By whom, to make an account, to set a password, or to become a contact of who has invited. */
  'invitation:used': {
    readonly id: string
    readonly account: Jid
    readonly purpose: 'account' | 'password' | 'contact'
    readonly inviter: string | undefined
  }
  'report:made': { readonly account: Jid; readonly reported: Jid; readonly reason: string; readonly words: string }
  /** A domain elsewhere can be reached from now on, or no more: its component has come, or gone. */
  'domain:reached': { readonly domain: Jid }
  'domain:lost': { readonly domain: Jid }
}

/** A component of a virtual host (XEP-0114): a program that serves a domain. */
export interface HostComponent {
  readonly domain: Jid
  /** For a human reader. */
  readonly name: string | undefined
  readonly isConnected: boolean
  /** XEP-0356: what it may do for the accounts of the host. */
  readonly privileges: Privileges
  /** XEP-0355: what it answers in place of the host. */
  readonly delegated: Delegations
  /** Calls `act` in a later tick, when it has read what it was sent so far; never when it goes before. For what comes in portions. */
  whenTaken(act: () => void): void
}

/** A session as modules see it. */
export interface Target {
  /** The full JID. */
  readonly jid: Jid
  /** The bare JID. */
  readonly account: Jid
  /** Hands over a stanza, in order; survives with the session. */
  deliver(stanza: Stanza): void
  /** Keeps a stanza back until `flush`, in its place before whatever is delivered later; one of the same key is forgotten for it. */
  hold(stanza: Stanza, key?: string): void
  readonly held: { readonly stanzas: number; readonly characters: number }
  /** Hands over what is held back. To deliver something does that, too. */
  flush(): void
  /** A value of the session's record: lives as long as the session, also through a kill. */
  get<T extends Json>(key: string): T | undefined
  /** Undefined removes. */
  set(key: string, value: Json | undefined): void
  /** The last available presence broadcast, as sent; undefined while unavailable. Kept by the presence module under 'presence'. */
  readonly presence: Presence | undefined
  /** -128 … 127; 0 without a presence. */
  readonly priority: number
  /** Whether the last presence was an available one. */
  readonly isAvailable: boolean
  /** Milliseconds since the epoch when it last sent a stanza that was not an IQ answer. */
  readonly lastActive: number
  /** Nothing reaches it any more. */
  readonly isEnded: boolean
  /** Whether its connection is broken and it waits to be resumed. */
  readonly isDetached: boolean
  /** Whether its client acknowledges what it gets (XEP-0198). */
  readonly isManaged: boolean
  /** How many stanzas were handed over (modulo 2^32), and how many of them have not been acknowledged; 0 for one that is not managed. */
  readonly sent: number
  readonly unacknowledged: number
  /**
   * Calls `act` in a later tick, when the client has taken what was delivered so far: acknowledged it or, where it does not count, read it.
   * Never when the session ends before. For what comes in portions; a second call takes the place of the first.
   */
  whenTaken(act: () => void): void
  /** Ends the session: stream error to its client, unavailable to its contacts. */
  end(error?: Error): void
}

/** Answers a request. */
export type HttpServe = (request: Request, facts: HttpFacts) => Awaitable<Response>

export interface HttpFacts {
  /** Where the request came from. */
  readonly address: string
  /** Called before the body is read: it may have so many bytes and take any time. Whoever calls it sees to it himself that it comes. */
  acceptBody(most: number): void
}

/** The accounts of one virtual host. */
export interface Accounts {
  /** Whether another system keeps them, with their passwords: they are not made, changed or invited here. */
  readonly isForeign: boolean
  /** Throws a StanzaError remote-server-timeout when the system that keeps them does not answer. */
  exists(account: Jid): Awaitable<boolean>
  /**
   * Whether something may be kept for it: it exists or, where another system keeps the accounts, has logged in once, though that may know it
   * no more, or not answer.
   */
  isHere(account: Jid): Awaitable<boolean>
  /** Whether people may choose this password: not too short, common, or the name. Throws a StanzaError not-acceptable. */
  checkPassword(account: Jid, password: string): void
  /**
   * Keeps SCRAM keys only. Throws a StanzaError conflict when it exists, not-acceptable for an unfit name or password. `admit` is called
   * just before: what it keeps is kept with the account, in one commit, and when it throws neither is.
   */
  create(account: Jid, password: string, admit?: () => void): Promise<void>
  setPassword(account: Jid, password: string, admit?: () => void): Promise<void>
  /** Ends its sessions; nobody logs in to it until it is enabled again. Nothing is lost: what comes for it is kept as for one who is away. */
  disable(account: Jid): Promise<void>
  enable(account: Jid): Promise<void>
  isDisabled(account: Jid): boolean
  /** The bare JIDs of those that are disabled, in order. */
  disabled(): readonly string[]
  /** The clients that log in without its password (XEP-0484), the one that was here last first. */
  devices(account: Jid): Promise<readonly Device[]>
  /** Ends the sessions of a client, and its token; of all clients without an id. */
  signOut(account: Jid, client?: string): Promise<void>
  /** Ends its sessions and drops all that it owns. */
  remove(account: Jid): Promise<void>
  /** The bare JIDs of all accounts, in order; of those that another system keeps, of all that have logged in; those behind `after`, if one is given. */
  list(after?: string): AsyncIterable<string>
}

/** A client that can log in with a token; times are milliseconds since the Unix epoch. */
export interface Device {
  /** What its sessions have under 'client'. */
  readonly id: string
  readonly software: string | undefined
  readonly device: string | undefined
  readonly lastLogin: number
  readonly expiry: number
}

/** What a role lets somebody do: `roles` in the configuration says it in words. */
export type Right = 'rooms' | 'nodes' | 'upload' | 'push' | 'invite' | 'register' | 'domains' | 'administer'

/** What can be limited by role. Sizes in bytes. */
export type RoleLimit =
  | 'stanzaBytes'
  | 'inboundBytesPerSecond'
  | 'inboundBurstBytes'
  | 'stanzasPerSecond'
  | 'stanzasBurst'
  | 'resourcesPerAccount'
  | 'rooms'
  | 'nodes'
  | 'maxFileSize'
  | 'quota'

/** Who has which role on one virtual host, and what that means. Asking waits for nothing; a reload may change the answers. */
export interface Roles {
  /** The role of an account; 'guest' for who has none: anonymous users, and all of other domains. */
  of(who: Jid): string
  may(who: Jid, right: Right): boolean
  /** What holds for the role instead of what is configured for everybody; undefined: nothing else. */
  limit(who: Jid, limit: RoleLimit): number | undefined
  /** Those that accounts can have. */
  readonly names: readonly string[]
  /** The accounts with the role, but for 'user', which most have. */
  having(role: string): Iterable<string>
  /** Whether the configuration names the account: then nothing else counts. */
  isConfigured(account: Jid): boolean
  give(account: Jid, role: string): void
}

/** Something that was done to administer a host. */
export type Act = {
  /** Bare JID of who did it, or what it was done with: 'command line'. */
  readonly by: string
  /** In words: 'made an account'. */
  readonly did: string
  /** To whom or what. */
  readonly to?: string
}

/** Who has administered what, on one virtual host. */
export interface Audit {
  record(act: Act): void
  /** At most so many, the last at the end; times are milliseconds since the Unix epoch. */
  last(max: number): Promise<readonly { readonly at: number; readonly act: Act }[]>
}

export type { Call, Endpoint }

/** Types a module's declaration. */
export function defineModule<F extends z.ZodObject, S extends Stores, Api>(
  module: Module<F, S, Api>,
): Module<F, S, Api> {
  return module
}
