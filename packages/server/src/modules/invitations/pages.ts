import { Jid, StanzaError } from '@jackdaw/xmpp'
import { networkOf } from '../../address.ts'
import { networks } from '../../config/networks.ts'
import type { Host, HttpServe } from '../../module.ts'
import { accountNamed } from '../in-band.ts'
import type { TokenBuckets } from '../token-buckets.ts'
import type { Book } from './book.ts'
import { readForm } from './form.ts'
import { html, page } from './html.ts'
import type { Invitation } from './invitation.ts'
import { uriOf } from './invitation.ts'
import { formOf, readyPage, welcome } from './views.ts'

interface PagesOptions {
  readonly host: Host
  readonly book: Book
  readonly faults: TokenBuckets
  /** Where browsers reach the host. */
  readonly address: { readonly isProxied: boolean; origin(): string | undefined }
  enrol(hash: string, account: Jid, password: string): Promise<void>
  reset(hash: string, account: Jid, password: string): Promise<void>
}

const isLoopback = networks(['loopback'])

/** The page of an invitation (XEP-0401 §5.2): one form that works without a script. */
export class Pages {
  readonly #options: PagesOptions

  constructor(options: PagesOptions) {
    this.#options = options
  }

  readonly serve: HttpServe = async (request, { address }) => {
    const { book, faults, address: own } = this.#options
    const { method, url } = request
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
      return new Response('Only GET, HEAD and POST are answered here.\n', {
        status: 405,
        headers: { allow: 'GET, HEAD, POST' },
      })
    const { pathname, protocol } = new URL(url)
    // A reverse proxy that is not on this machine is trusted with passwords when the configuration names its address.
    if (protocol === 'http:' && !isLoopback(address) && !own.isProxied) return this.#toSafety(pathname)
    const network = networkOf(address)
    if (!faults.has(network)) return page('Too many attempts', html`<p>Please try again later.</p>`, 429)
    const token = pathname.slice('/invite/'.length)
    const found = book.find(token)
    if (!found) {
      faults.take(network)
      return page(
        'This invitation is not valid',
        html`<p>It has been used, it has expired, or the link is not complete. Ask for another one.</p>`,
        404,
      )
    }
    if (method !== 'POST') return this.#show(request, found.invitation, token)
    if (isForeign(request, own.origin()))
      return page('Not from here', html`<p>This form belongs to another page.</p>`, 403)
    try {
      return await this.#take(request, found)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      faults.take(network)
      return this.#show(request, found.invitation, token, error)
    }
  }

  /** A password would be sent in clear. */
  #toSafety(pathname: string): Response {
    const base = this.#options.address.origin()
    if (base === undefined) return page('Not safe', html`<p>This page is not served in clear.</p>`, 403)
    return new Response(null, { status: 308, headers: { location: new URL(pathname, base).href } })
  }

  async #show(request: Request, invitation: Invitation, token: string, fault?: StanzaError): Promise<Response> {
    const { domain } = this.#options.host
    const uri = uriOf(invitation, token, domain)
    const userAgent = request.headers.get('user-agent') ?? ''
    const { title, content } = await welcome({
      invitation,
      domain,
      uri,
      userAgent,
      form: formOf(invitation, domain, fault),
    })
    return page(title, content, fault ? statusOf(fault) : 200)
  }

  async #take(request: Request, { hash, invitation }: { hash: string; invitation: Invitation }): Promise<Response> {
    const { host, enrol, reset } = this.#options
    const fields = await readForm(request)
    const password = fields.get('password') ?? ''
    const account =
      invitation.account === undefined
        ? accountNamed((fields.get('username') ?? '').trim(), host.domain)
        : Jid.parse(invitation.account)
    host.accounts.checkPassword(account, password)
    if (password !== fields.get('again')) throw new StanzaError('not-acceptable', 'The two passwords differ')
    await (invitation.isReset ? reset : enrol)(hash, account, password)
    await host.kept()
    return readyPage(invitation, account, request.headers.get('user-agent') ?? '')
  }
}

/** Whether another site's page has sent the form. */
function isForeign({ headers, url }: Request, base: string | undefined): boolean {
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin' && site !== 'none'
  const origin = headers.get('origin')
  return origin !== null && origin !== new URL(url).origin && origin !== base
}

function statusOf({ condition }: StanzaError): number {
  if (condition === 'conflict') return 409
  return condition === 'item-not-found' ? 404 : 400
}
