import { Jid, JidError, StanzaError } from '@jackdaw/xmpp'
import { nearest } from '../config/nearest.ts'
import type { Accounts, Audit, Device, Module, Roles } from '../module.ts'
import type { Json } from '../world.ts'
import { readConversations } from './conversations.ts'
import { runInvite } from './invite.ts'
import { checkRole } from './role.ts'
import type { InviteRequest } from './invite.ts'
import { CommandError } from './requests.ts'
import type { Request } from './requests.ts'
import { runToken } from './token.ts'
import type { TokenRequest } from './token.ts'

/** A host as commands see it. */
export interface CommandHost {
  readonly accounts: Accounts
  readonly roles: Roles
  readonly audit: Audit
  readonly modules: { api<Api>(module: Module<any, any, Api>): Api | undefined }
}

export interface Listener {
  readonly name: string
  readonly address: string
  readonly port: number
}

/** A server that runs. */
export interface Running {
  readonly hosts: ReadonlyMap<string, CommandHost>
  readonly listening: readonly Listener[]
  /** Reads the configuration again; gives sentences on what waits for the next start. */
  reload(): Promise<readonly string[]>
  /** Why nothing can be changed at present. */
  readonly trouble: string | undefined
  /** Resolves when all changes so far are kept. */
  kept(): Promise<void>
  /** Begins to stop. */
  stop(): void
}

export type Status = {
  readonly pid: number
  readonly listening: readonly { readonly [K in keyof Listener]: Listener[K] }[]
}

/** Carries out a request; yields what is to be shown. @throws {CommandError} */
export async function* run(request: Request, server: Running): AsyncGenerator<Json> {
  switch (request.command) {
    case 'reload':
      yield* await server.reload()
      return
    case 'stop':
      yield { pid: process.pid }
      server.stop()
      return
    case 'status':
      yield {
        pid: process.pid,
        listening: server.listening.map(({ name, address, port }) => ({ name, address, port })),
      } satisfies Status
      return
    case 'audit':
      yield* acts(request.host, server.hosts)
      return
    case 'audit conversations':
      if (server.trouble !== undefined)
        throw new CommandError(`nothing was read, for it cannot be recorded: ${server.trouble}`)
      yield* readConversations(request, named(request.host, server.hosts), () => server.kept())
      return
    default:
      if (server.trouble !== undefined && !request.command.endsWith(' list') && request.command !== 'user devices')
        throw new CommandError(`nothing was changed: ${server.trouble}`)
      yield* runOnData(request, server.hosts)
      await server.kept()
  }
}

type UserRequest = Extract<Request, { command: `user ${string}` }>

export type DataRequest = UserRequest | InviteRequest | TokenRequest

/** The commands that need no running server. @throws {CommandError} */
export async function* runOnData(request: DataRequest, hosts: ReadonlyMap<string, CommandHost>): AsyncGenerator<Json> {
  try {
    if (isInvite(request)) yield* runInvite(request, hosts, hostNamed)
    else if (isToken(request)) yield* runToken(request, hosts, hostNamed)
    else yield* runUser(request, hosts)
  } catch (error) {
    if (error instanceof StanzaError) throw new CommandError(error.message, { cause: error })
    throw error
  }
}

function isInvite(request: DataRequest): request is InviteRequest {
  return request.command.startsWith('invite')
}

function isToken(request: DataRequest): request is TokenRequest {
  return request.command.startsWith('token ')
}

async function* runUser(request: UserRequest, hosts: ReadonlyMap<string, CommandHost>): AsyncGenerator<Json> {
  if (request.command === 'user list') {
    for (const host of chosen(request.host, hosts)) yield* listed(host)
    return
  }
  const account = accountOf(request.jid)
  const { accounts, audit, roles } = hostNamed(account.domain, hosts)
  if (request.command === 'user devices') {
    for (const device of await accounts.devices(account)) yield described(device)
    return
  }
  if (request.command === 'user role') {
    if (!(await accounts.isHere(account))) throw new CommandError(`There is no account ${account}`)
    if (request.role === undefined) return yield roles.of(account)
    checkRole(request.role, roles)
    if (roles.isConfigured(account))
      throw new CommandError(`the configuration says that ${account} is ${roles.of(account)}: change it there`)
    roles.give(account, request.role)
    return audit.record({ by: 'command line', did: `gave the role ${request.role} to`, to: account.toString() })
  }
  if ('password' in request) accounts.checkPassword(account, request.password)
  const record = (): void => audit.record({ by: 'command line', did: done[request.command], to: account.toString() })
  if (request.command === 'user add') return accounts.create(account, request.password, record)
  if (request.command === 'user passwd') return accounts.setPassword(account, request.password, record)
  if (request.command === 'user disable') await accounts.disable(account)
  else if (request.command === 'user enable') await accounts.enable(account)
  else if (request.command === 'user sign-out') await accounts.signOut(account, request.device)
  else await accounts.remove(account)
  record()
}

/** How the audit log says it. */
const done = {
  'user add': 'made an account',
  'user passwd': 'set the password of',
  'user remove': 'removed an account',
  'user disable': 'disabled an account',
  'user enable': 'enabled an account',
  'user sign-out': 'signed out',
}

/** Each account, with its role if that is not most people's, and whether it is disabled. */
async function* listed({ accounts, roles }: CommandHost): AsyncGenerator<Json> {
  for await (const name of accounts.list()) {
    const account = Jid.parse(name)
    const role = roles.of(account)
    yield [name, ...(role === 'user' ? [] : [role]), ...(accounts.isDisabled(account) ? ['disabled'] : [])].join('  ')
  }
}

function described({ id, software = 'unnamed', device, lastLogin, expiry }: Device): string {
  const [last, end] = [lastLogin, expiry].map((at) => new Date(at).toISOString())
  return `${id} ${software}${device === undefined ? '' : ` on ${device}`}, last login ${last}, until ${end}`
}

/** Most acts of one host that are shown. */
const mostActs = 500

/** What was administered last, of one host or of all. */
async function* acts(name: string | undefined, hosts: Running['hosts']): AsyncGenerator<Json> {
  for (const { audit } of chosen(name, hosts))
    for (const { at, act } of await audit.last(mostActs))
      yield `${new Date(at).toISOString()} ${act.by} ${act.did}${act.to === undefined ? '' : ` ${act.to}`}`
}

function chosen(name: string | undefined, hosts: Running['hosts']): Iterable<CommandHost> {
  return name === undefined ? hosts.values() : [hostNamed(name, hosts)]
}

function named(name: string | undefined, hosts: Running['hosts']): Iterable<readonly [string, CommandHost]> {
  return name === undefined ? hosts : [[name, hostNamed(name, hosts)]]
}

function accountOf(text: string): Jid {
  try {
    const jid = Jid.parse(text)
    if (jid.local !== undefined && jid.isBare) return jid
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new CommandError(`"${text}" is no address (${error.message}): write name@domain`, { cause: error })
  }
  throw new CommandError(`"${text}" is not the address of an account: write name@domain`)
}

function hostNamed(name: string, hosts: ReadonlyMap<string, CommandHost>): CommandHost {
  const host = hosts.get(name)
  if (host !== undefined) return host
  const suggestion = nearest(name, hosts.keys())
  const known = [...hosts.keys()].join(', ')
  throw new CommandError(
    `this server does not serve the domain ${name}: ${suggestion === undefined ? `it serves ${known}; add it under hosts in the configuration` : `did you mean ${suggestion}?`}`,
  )
}
