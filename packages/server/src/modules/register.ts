import {
  type Element,
  type Iq,
  iq,
  Jid,
  JidError,
  registerFeature,
  registerNs,
  Registration,
  Stanza,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { networkOf } from '../address.ts'
import { defineModule, type IqRequest, type Target } from '../module.ts'
import type { Stream } from '../stream/stream.ts'
import { when } from '../when.ts'
import { TokenBuckets } from './token-buckets.ts'

/** Most changes of one account's password within an hour: each costs the server as much as several logins. */
const changesPerHour = 10

/** Lets people make accounts, change their passwords and remove their accounts, with any client. */
export const register = defineModule({
  name: 'register',
  xeps: ['XEP-0077 2.4'],
  isOptIn: true,
  features: { server: [registerNs] },
  config: z.object({
    newAccounts: z
      .boolean()
      .default(true)
      .describe(
        'Whether anybody may make an account; if not, users can still change their password and remove theirs.',
      ),
    perAddress: z
      .int()
      .min(1)
      .default(5)
      .describe('Most attempts to make an account within an hour from one address (of IPv6, from one /64).'),
    perHost: z.int().min(1).default(100).describe('Most such attempts within an hour from all addresses.'),
  }),
  start(host) {
    const { accounts, clock, config, domain, log } = host
    const byAddress = new TokenBuckets(clock, config.perAddress)
    const byHost = new TokenBuckets(clock, config.perHost)
    const byAccount = new TokenBuckets(clock, changesPerHour)

    host.streamFeature({
      name: 'in-band registration',
      ns: registerNs,
      forbids: ['authenticated'],
      offer: (stream) => (config.newAccounts && isSafe(stream) ? registerFeature : undefined),
      async negotiate(stream, element) {
        const type = element.attr('type')
        if (type === 'result' || type === 'error') return
        const id = element.attr('id')
        try {
          stream.send(iq({ type: 'result', id, from: domain }, await serveStranger(stream, element)))
        } catch (error) {
          if (!(error instanceof StanzaError)) throw error
          stream.send(iq({ type: 'error', id, from: domain }, error.toElement()))
        }
      },
    })

    for (const place of ['server', 'account'] as const) {
      host.answer('get', place, Registration, (request) => {
        const { account } = ownSession(request)
        return when(accounts.exists(account), (exists) => {
          if (!exists) throw notRegistered()
          return Registration.write({ isRegistered: true, username: account.local, password: '' })
        })
      })
      host.answer('set', place, Registration, async (request) => {
        const session = ownSession(request)
        if (!(await accounts.exists(session.account))) throw notRegistered()
        if (!request.payload.isRemoval) return changePassword(session.account, request.payload)
        // §3.2: the session ends with its account, so the result goes ahead.
        session.deliver(request.iq.reply('result'))
        log.info({ account: String(session.account) }, 'an account is removed by its user')
        return accounts.remove(session.account)
      })
    }

    /** §3.1: of a client that has not logged in. */
    async function serveStranger(stream: Stream, element: Element): Promise<Element | undefined> {
      const { type, wish } = readRequest(element)
      if (!config.newAccounts) throw new StanzaError('not-allowed', 'Accounts are made by the administrator here')
      if (!isSafe(stream)) throw new StanzaError('not-authorized', 'The connection must be encrypted first')
      if (type === 'get')
        return Registration.write({ instructions: 'Choose a name and a password.', username: '', password: '' })
      if (wish.isRemoval) throw new StanzaError('unexpected-request', 'Log in to remove your account')
      const { username = '', password = '' } = wish
      const account = accountOf(username)
      accounts.checkPassword(account, password)
      const { address } = stream.transport
      const network = networkOf(address)
      if (!byAddress.has(network) || !byHost.take('')) throw tooOften()
      byAddress.take(network)
      await accounts.create(account, password)
      log.info({ account: String(account), address }, 'an account was made in-band')
      return undefined
    }

    /** §3.3 */
    async function changePassword(account: Jid, { username, password }: Registration): Promise<void> {
      if (username === undefined || password === undefined)
        throw new StanzaError('bad-request', 'A new password goes with the username')
      if (!accountOf(username).equals(account)) throw new StanzaError('not-allowed', 'This is not your account')
      accounts.checkPassword(account, password)
      if (!byAccount.take(account.toString())) throw tooOften()
      await accounts.setPassword(account, password)
    }

    function readRequest(element: Element): { readonly type: 'get' | 'set'; readonly wish: Registration } {
      const { id, type, to } = Stanza.from(element) as Iq
      const [payload, ...more] = element.elements()
      if (id === undefined || (type !== 'get' && type !== 'set') || more.length > 0)
        throw new StanzaError('bad-request', 'A request has an id, the type get or set, and one payload')
      if (to && !to.equals(domain)) throw new StanzaError('not-allowed', `This stream is for ${domain} only`)
      if (payload!.name !== Registration.name) throw new StanzaError('service-unavailable')
      return { type, wish: Registration.read(payload!) }
    }

    /** The session that asks about its own account. */
    function ownSession({ sender, to, isOwn }: IqRequest<Registration>): Target {
      // RFC 6121 §8.5.1: the same for an account that does not exist.
      if (to.local !== undefined && !isOwn) throw new StanzaError('service-unavailable')
      if (sender?.account.domain !== domain.domain)
        throw new StanzaError('not-allowed', `Only accounts of ${domain} are registered here`)
      return sender
    }

    /** The account that the name, prepared as a localpart (RFC 7622 §3.3), stands for. */
    function accountOf(username: string): Jid {
      try {
        return Jid.of({ local: username, domain: domain.domain })
      } catch (error) {
        if (error instanceof JidError)
          throw new StanzaError('not-acceptable', `The name cannot be used: ${error.message}`)
        throw error
      }
    }
  },
})

/** XEP-0077 §11: nothing is registered over a channel that others may read, unless logins are allowed on it too. */
function isSafe(stream: Stream): boolean {
  return stream.has('secure') || stream.host!.allowsPlaintext(stream.transport.address)
}

function notRegistered(): StanzaError {
  return new StanzaError('registration-required', 'You have no account here')
}

function tooOften(): StanzaError {
  return new StanzaError('resource-constraint', 'Too many attempts: try again later')
}
