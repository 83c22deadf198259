import { StanzaError } from '@jackdaw/xmpp'
import { defineModule, type HttpServe, map } from '../../module.ts'
import { accountEndpoints } from './accounts.ts'
import { auditEndpoints } from './audit.ts'
import { messageEndpoints } from './messages.ts'
import { type Repeat, Repeats } from './repeats.ts'
import { type ApiToken, ApiTokens, type TokenWish } from './tokens.ts'

const basePath = '/api/v1'

const hour = 3_600_000

/** Lets programs administer a host over HTTP, with tokens. While there is no token, nothing is served. */
export const restApi = defineModule({
  name: 'rest-api',
  stores: {
    tokens: map<ApiToken>(),
    /** Owned by tokens and Idempotency-Keys. */
    repeats: map<Repeat>(),
  },
  async start(host) {
    const { audit, clock, domain, log, metrics, stores } = host
    const tokens = await ApiTokens.open(stores.tokens, domain.toString(), host)
    const repeats = new Repeats(stores.repeats, clock)
    const requests = metrics.counters('jackdaw_rest_requests_total', 'Requests to the REST API', ['route', 'status'])
    const failures = metrics.counter('jackdaw_rest_failures_total', 'Requests to the REST API without a good token')
    metrics.gauge('jackdaw_rest_tokens', 'Tokens of the REST API', () => tokens.size)
    accountEndpoints(host)
    messageEndpoints(host)
    auditEndpoints(host)

    // Loaded by the first request.
    let served: Promise<HttpServe> | undefined
    const load = async () =>
      (await import('./site.ts')).site({
        basePath,
        domain: domain.toString(),
        tokens,
        repeats,
        clock,
        log,
        endpoints: () => host.endpoints(),
        answered: (route, status) => requests.inc({ route, status: String(status) }),
        failed: () => failures.inc(),
        record: (act) => audit.record(act),
        kept: () => host.kept(),
        trouble: () => host.trouble(),
      })
    host.onStop(() => tokens.close())
    host.http(`${basePath}/`, (request, facts) =>
      tokens.size > 0
        ? (served ??= load()).then((serve) => serve(request, facts))
        : new Response('There is nothing here.\n', { status: 404 }),
    )

    let cancel = clock.after(hour, clean)
    host.onStop(() => cancel())
    function clean(): void {
      cancel = clock.after(hour, clean)
      repeats.clean().catch((error: unknown) => log.error({ err: error }, 'old requests could not be forgotten'))
    }

    /** All that a token may be given. */
    const scopes = (): string[] =>
      [...new Set(host.endpoints().flatMap(({ scope, moreScopes = [] }) => [scope, ...moreScopes]))].sort()

    return {
      scopes,
      /** Returns the token's text. @throws StanzaError not-acceptable, conflict, resource-constraint */
      addToken(wish: TokenWish): string {
        const unknown = wish.scopes.find((scope) => !scopes().includes(scope))
        if (unknown !== undefined)
          throw new StanzaError('not-acceptable', `There is no scope ${unknown}: there are ${scopes().join(', ')}`)
        return tokens.add(wish)
      },
      tokens: () => tokens.list(),
      /** Returns whether there was one of that name. */
      revokeToken: (name: string) => tokens.revoke(name),
    }
  },
})
