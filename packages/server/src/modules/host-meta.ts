import { xml } from '@jackdaw/xmpp'
import * as z from 'zod'
import { httpsOrigin } from '../config/fields.ts'
import { defineModule } from '../module.ts'

const xrdNs = 'http://docs.oasis-open.org/ns/xri/xrd-1.0'
/** §3: pages of any origin may read it. */
const anyOrigin = { 'access-control-allow-origin': '*' }

/** Tells web clients where they connect: `/.well-known/host-meta` and `/.well-known/host-meta.json` (RFC 6415). */
export const hostMeta = defineModule({
  name: 'host-meta',
  xeps: ['XEP-0156 1.4.0'],
  config: z.object({
    url: httpsOrigin()
      .optional()
      .describe(
        'Where web clients reach this host from outside when a reverse proxy stands before it, such as `https://chat.example.org`. Unless it is set, they are told of the HTTPS port at which they ask, under the name of the host.',
      ),
  }),
  start(host) {
    const ownName = URL.parse(`https://${host.domain.domain}`)?.hostname
    const serve = (type: string, write: (links: readonly Link[]) => string) => (request: Request) => {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return new Response('Only GET and HEAD are answered here.\n', {
          status: 405,
          headers: { ...anyOrigin, allow: 'GET, HEAD' },
        })
      const base = host.config.url ?? asked(request)
      if (base === undefined)
        return new Response('No address is known that web clients could use: see `url` of host-meta.\n', {
          status: 404,
          headers: anyOrigin,
        })
      return new Response(write(links(base)), { headers: { ...anyOrigin, 'content-type': type } })
    }
    /** §2.2: only what came over TLS is told of TLS; another domain's name is not this one's. */
    const asked = ({ url }: Request): string | undefined => {
      const { protocol, hostname, origin: base } = new URL(url)
      return protocol === 'https:' && hostname === ownName ? base : undefined
    }
    host.http('/.well-known/host-meta', serve('application/xrd+xml', xrd))
    host.http('/.well-known/host-meta.json', serve('application/json', jrd))

    return {
      /** Whether a reverse proxy stands before it. */
      isProxied: host.config.url !== undefined,
      /** Where web clients reach the host, as far as it is known without being asked by one: 'https://example.org:5281'. */
      origin(): string | undefined {
        const port = host.httpsPort()
        return host.config.url ?? (port === undefined ? undefined : new URL(`https://${ownName}:${port}`).origin)
      },
    }
  },
})

/** An address, and what it is good for. */
type Link = Readonly<Record<'rel' | 'href', string>>

function links(base: string): Link[] {
  return [
    { rel: 'urn:xmpp:alt-connections:websocket', href: new URL('/xmpp', base.replace(/^https:/, 'wss:')).href },
    { rel: 'urn:xmpp:alt-connections:xbosh', href: new URL('/bosh', base).href },
  ]
}

function xrd(all: readonly Link[]): string {
  return `<?xml version='1.0' encoding='utf-8'?>\n${xml('XRD', xrdNs, {}, ...all.map((link) => xml('Link', xrdNs, link)))}\n`
}

function jrd(all: readonly Link[]): string {
  return JSON.stringify({ links: all })
}
