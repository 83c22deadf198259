import type { Awaitable } from '../world.ts'
import type { HttpSite, RequestFacts } from './network.ts'
import type { Transport } from './transport.ts'

type Serve = (request: Request, facts: RequestFacts) => Awaitable<Response>

interface HttpRoutesOptions {
  /** What is wrong, one sentence each; nothing when all is well. */
  readonly health: () => Awaitable<readonly string[]>
  /** A prom-client registry. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  /** Who may read /health and /metrics. */
  readonly mayWatch: (address: string) => boolean
}

/** What is served at which path: /health, /metrics and what is added. */
export class HttpRoutes implements HttpSite {
  /** By path, then by domain ('' for all). */
  readonly #routes = new Map<string, Map<string, Serve>>()
  readonly #webSockets = new Map<
    string,
    { accept: (transport: Transport) => void; mayConnect: (origin: string | undefined) => boolean }
  >()

  /** How many responses there were since the start, by the class of their status: '2xx'. */
  readonly answered = new Map<string, number>()

  constructor({ health, metrics, mayWatch }: HttpRoutesOptions) {
    const watched =
      (serve: () => Promise<Response>): Serve =>
      ({ method, headers }, { address }) => {
        // A proxy on this machine asks for the whole world.
        if (!mayWatch(address) || forwarding.some((name) => headers.has(name)))
          return plain(403, 'This address may not look here: see the configuration')
        if (method === 'GET' || method === 'HEAD') return serve()
        return new Response('Only GET and HEAD are answered here.\n', { status: 405, headers: { allow: 'GET, HEAD' } })
      }
    this.add(
      '/health',
      watched(async () => {
        const reasons = await health()
        return reasons.length === 0
          ? Response.json({ status: 'ok' })
          : Response.json({ status: 'failing', reasons }, { status: 503 })
      }),
    )
    this.add(
      '/metrics',
      watched(async () => new Response(await metrics.metrics(), { headers: { 'content-type': metrics.contentType } })),
    )
  }

  /** What is served, as `path domain`. */
  get paths(): readonly string[] {
    return [...this.#routes].flatMap(([path, byDomain]) => [...byDomain.keys()].map((domain) => `${path} ${domain}`))
  }

  /**
   * Serves a path, and all below it when it ends in '/'; the longest wins. Of several domains with the same path the request's Host
   * decides, or else the first that was added. Returns what undoes it.
   */
  add(path: string, serve: Serve, domain = ''): () => void {
    const byDomain = this.#routes.get(path) ?? new Map<string, Serve>()
    const name = asInUrl(domain)
    if (byDomain.has(name)) throw new Error(`The HTTP path ${path} is served already`)
    this.#routes.set(path, byDomain.set(name, serve))
    return () => {
      byDomain.delete(name)
      if (byDomain.size === 0 && this.#routes.get(path) === byDomain) this.#routes.delete(path)
    }
  }

  /**
   * Takes WebSockets at a path. Pages of any origin may connect by default: XMPP authenticates inside the stream, so a foreign page can
   * use no cookie of ours. Returns what undoes it.
   */
  addWebSocket(
    path: string,
    accept: (transport: Transport) => void,
    mayConnect: (origin: string | undefined) => boolean = () => true,
  ): () => void {
    if (this.#webSockets.has(path)) throw new Error(`The WebSocket path ${path} is served already`)
    this.#webSockets.set(path, { accept, mayConnect })
    return () => void this.#webSockets.delete(path)
  }

  serve(request: Request, facts: RequestFacts): Awaitable<Response> {
    const response = this.#answer(request, facts)
    return response instanceof Promise ? response.then((one) => this.#counted(one)) : this.#counted(response)
  }

  #counted(response: Response): Response {
    const code = `${Math.floor(response.status / 100)}xx`
    this.answered.set(code, (this.answered.get(code) ?? 0) + 1)
    return response
  }

  #answer(request: Request, facts: RequestFacts): Awaitable<Response> {
    const { pathname, hostname } = new URL(request.url)
    const serve = this.#find(pathname, hostname)
    if (!serve) return this.#webSockets.has(pathname) ? upgradeRequired() : plain(404, 'There is nothing here')
    return serve(request, facts)
  }

  webSocket(path: string, origin: string | undefined): ((transport: Transport) => void) | number {
    const found = this.#webSockets.get(path)
    if (!found) return 404
    return found.mayConnect(origin) ? found.accept : 403
  }

  #find(path: string, domain: string): Serve | undefined {
    for (let at = path; ; at = at.slice(0, at.lastIndexOf('/', at.length - 2) + 1)) {
      const byDomain = this.#routes.get(at)
      if (byDomain) return byDomain.get(domain) ?? byDomain.get('') ?? byDomain.values().next().value
      if (at === '/' || at === '') return undefined
    }
  }
}

const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** A domain as it stands in URLs: of an international one, its A-labels. */
function asInUrl(domain: string): string {
  return URL.parse(`https://${domain}`)?.hostname ?? domain
}

function plain(status: number, words: string): Response {
  return new Response(`${words}.\n`, { status })
}

function upgradeRequired(): Response {
  return new Response('XMPP clients connect here by WebSocket.\n', {
    status: 426,
    headers: { connection: 'upgrade, close', upgrade: 'websocket' },
  })
}
