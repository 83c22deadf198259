import { Jid, JidError } from '@jackdaw/xmpp'
import { invitations } from '../modules/invitations/invitations.ts'
import type { Json } from '../world.ts'
import type { CommandHost } from './commands.ts'
import { checkRole } from './role.ts'
import { CommandError } from './requests.ts'
import type { Request } from './requests.ts'

export type InviteRequest = Extract<Request, { command: 'invite' | `invite ${string}` }>

/** How long the first invitation of a server can be used, milliseconds. */
const day = 86_400_000

type Hosts = ReadonlyMap<string, CommandHost>

/** Makes, lists and takes back invitations. @throws {CommandError} StanzaError */
export async function* runInvite(
  request: InviteRequest,
  hosts: Hosts,
  hostNamed: (name: string, hosts: Hosts) => CommandHost,
): AsyncGenerator<Json> {
  if (request.command === 'invite revoke') {
    for (const { audit, modules } of hosts.values()) {
      if (!modules.api(invitations)?.revoke(request.id)) continue
      return audit.record({ by: 'command line', did: 'took back an invitation', to: request.id })
    }
    throw new CommandError(`there is no open invitation ${request.id}: see jackdaw invite list`)
  }
  if (request.command === 'invite list') {
    const chosen = request.host === undefined ? hosts : new Map([[request.host, hostNamed(request.host, hosts)]])
    for (const [domain, { modules }] of chosen)
      for (const { id, isReset, account, inviter, role, uses, used, expires } of modules.api(invitations)?.list() ?? [])
        yield [
          id,
          isReset ? `a new password for ${account}` : (account ?? domain),
          `${used} of ${used + uses} used`,
          `until ${time(expires)}`,
          ...(inviter === undefined ? [] : [`by ${inviter}`]),
          ...(role === undefined ? [] : [`as ${role}`]),
        ].join('  ')
    return
  }
  const domain = request.host ?? hosts.keys().next().value!
  const host = hostNamed(domain, hosts)
  const api = invitationsOf(domain, host)
  if (request.isReset && !api.hasPage)
    throw new CommandError('no HTTPS is served, so there is no page that sets a password: see listen.https')
  if (request.role !== undefined) {
    if (request.isReset) throw new CommandError('a new password brings no role: leave --role out, or --reset')
    checkRole(request.role, host.roles)
  }
  const made = await api.make({
    ...(request.account !== undefined && { account: accountOf(request.account, domain) }),
    ...(request.expires !== undefined && { lifetime: request.expires }),
    ...(request.uses !== undefined && { uses: request.uses }),
    ...(request.isReset !== undefined && { isReset: request.isReset }),
    ...(request.role !== undefined && { role: request.role }),
  })
  host.audit.record({
    by: 'command line',
    did: request.isReset
      ? 'made a link for a new password of'
      : `made an invitation${request.role === undefined ? '' : ` with the role ${request.role}`}`,
    to: request.account ?? domain,
  })
  yield* [made.landingUrl, made.uri].filter((link) => link !== undefined)
}

/** For who has just set a server up: a link to its first account, an administrator's, while there is none, instead of the last one. */
export async function firstInvitation(hosts: Hosts): Promise<string | undefined> {
  for (const { accounts } of hosts.values()) for await (const _ of accounts.list()) return undefined
  const first = [...hosts.values()].find(({ accounts }) => !accounts.isForeign)
  const api = first?.modules.api(invitations)
  return api?.hasPage ? (await api.make({ isFirst: true, role: 'admin', lifetime: day })).landingUrl : undefined
}

function invitationsOf(domain: string, { modules }: CommandHost) {
  const api = modules.api(invitations)
  if (!api) throw new CommandError(`nobody is invited to ${domain}: the module invitations is switched off`)
  return api
}

function accountOf(name: string, domain: string): Jid {
  try {
    return Jid.of({ local: name, domain })
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new CommandError(`"${name}" is no name of an account (${error.message})`, { cause: error })
  }
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
