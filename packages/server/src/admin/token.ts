import { restApi } from '../modules/rest-api/rest-api.ts'
import type { Json } from '../world.ts'
import type { CommandHost } from './commands.ts'
import { CommandError } from './requests.ts'
import type { Request } from './requests.ts'

export type TokenRequest = Extract<Request, { command: `token ${string}` }>

type Hosts = ReadonlyMap<string, CommandHost>

/** Makes, lists and revokes tokens of the REST API. @throws {CommandError} StanzaError */
export function* runToken(
  request: TokenRequest,
  hosts: Hosts,
  hostNamed: (name: string, hosts: Hosts) => CommandHost,
): Generator<Json> {
  if (request.command === 'token list') {
    const chosen = request.host === undefined ? hosts : new Map([[request.host, hostNamed(request.host, hosts)]])
    for (const [domain, { modules }] of chosen)
      for (const { name, scopes, expires, used } of modules.api(restApi)?.tokens() ?? [])
        yield [
          name,
          domain,
          scopes.join(' '),
          expires === undefined ? 'no expiry' : `until ${time(expires)}`,
          used === undefined ? 'never used' : `used ${time(used)}`,
        ].join('  ')
    return
  }
  const domain = request.host ?? hosts.keys().next().value!
  const { audit, modules } = hostNamed(domain, hosts)
  const api = modules.api(restApi)
  if (!api) throw new CommandError(`${domain} has no REST API: the configuration switches the module rest-api off`)
  const { name } = request
  if (request.command === 'token revoke') {
    if (!api.revokeToken(name)) throw new CommandError(`${domain} has no token ${name}: see jackdaw token list`)
    return audit.record({ by: 'command line', did: 'revoked the token', to: name })
  }
  const { scopes, expires } = request
  const text = api.addToken({ name, scopes, ...(expires !== undefined && { lifetime: expires }) })
  audit.record({ by: 'command line', did: `made a token for ${scopes.join(', ')}:`, to: name })
  yield text
}

function time(at: number): string {
  return new Date(at).toISOString()
}
