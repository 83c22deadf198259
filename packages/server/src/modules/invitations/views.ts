import { Jid, type StanzaError } from '@jackdaw/xmpp'
import { appsFor, systemOf } from './apps.ts'
import { Html, html, page } from './html.ts'
import type { Invitation } from './invitation.ts'

interface Welcome {
  readonly invitation: Invitation
  readonly domain: Jid
  readonly uri: string | undefined
  readonly userAgent: string
  readonly form: Html
}

/** What whoever opens the link reads. */
export async function welcome({ invitation, domain, uri, userAgent, form }: Welcome): Promise<{
  readonly title: string
  readonly content: Html
}> {
  const { inviter, isReset, account } = invitation
  if (isReset || uri === undefined)
    return { title: `A new password for ${account}`, content: html`${form}${validity(invitation)}` }
  return {
    title: inviter === undefined ? `You are invited to ${domain.toString()}` : `${inviter} invites you to chat`,
    content: html` <p>
        ${domain.toString()} is a chat server. It speaks XMPP, a language that many apps know, and from it you reach
        people on other such servers.
      </p>
      <h2>Make an account</h2>
      ${form}
      <h2>Or open an app that you have</h2>
      <p><a class="open" href="${uri}">Open the invitation in an app</a></p>
      <div class="code">${await codeOf(uri)}</div>
      <p>With a phone, scan this in its app.</p>
      ${appList(userAgent)} ${validity(invitation)}`,
  }
}

export function readyPage({ isReset, inviter }: Invitation, account: Jid, userAgent: string): Response {
  if (isReset) return page('The password is set', html`<p>Log in as <b>${account.toString()}</b> with it.</p>`)
  const known = inviter && html`<p>${inviter} is among your contacts already.</p>`
  return page(
    'Your account is ready',
    html`<p>
        Your address is <b id="address">${account.toString()}</b>. Log in with it, and with your password, in any of
        these apps.
      </p>
      ${known} ${appList(userAgent)}`,
  )
}

/** Name and password. */
export function formOf({ isReset, account }: Invitation, domain: Jid, fault: StanzaError | undefined): Html {
  const local = account === undefined ? undefined : Jid.parse(account).local
  const fixed = local === undefined ? undefined : html`value="${local}" readonly`
  const name = html`<label
    >Name <small>what comes before @${domain.toString()} in your address</small>
    <input
      name="username"
      required
      maxlength="1023"
      autocomplete="username"
      autocapitalize="none"
      spellcheck="false"
      ${fixed}
  /></label>`
  return html`${fault && html`<p class="fault" role="alert">${fault.message}.</p>`}
    <form method="post">
      ${name}
      <label
        >Password <input name="password" type="password" required maxlength="1024" autocomplete="new-password"
      /></label>
      <label
        >Once more <input name="again" type="password" required maxlength="1024" autocomplete="new-password"
      /></label>
      <button>${isReset ? 'Set the password' : 'Make the account'}</button>
    </form>`
}

function appList(userAgent: string): Html {
  const items = appsFor(systemOf(userAgent)).map(
    ({ name, url, systems }) => html`<li><a href="${url}" rel="noreferrer">${name}</a> (${systems.join(', ')})</li>`,
  )
  return html`<h2>Apps</h2>
    <ul>
      ${items}
    </ul>
    <p><a href="https://xmpp.org/software/" rel="noreferrer">All apps that speak XMPP</a></p>`
}

function validity({ expires, uses }: Invitation): Html {
  const whom = uses > 1 ? `can be used ${uses} times more` : 'is for you alone'
  return html`<p>
    <small>This link ${whom}, until ${new Date(expires).toISOString().slice(0, 16).replace('T', ' ')} UTC.</small>
  </p>`
}

async function codeOf(uri: string): Promise<Html> {
  const { renderSVG } = await import('uqr')
  return new Html(
    renderSVG(uri, { border: 2 }).replace('<svg ', '<svg role="img" aria-label="The invitation as a QR code" '),
  )
}
