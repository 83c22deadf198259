import { type Jid, registerNs, Registration, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { networkOf } from '../address.ts'
import { defineModule, type IqRequest, type Target } from '../module.ts'
import { when } from '../when.ts'
import { accountNamed, inBand } from './in-band.ts'
import { invitations } from './invitations/invitations.ts'
import { TokenBuckets } from './token-buckets.ts'

/** Most changes of one account's password within an hour: each costs the server as much as several logins. */
const changesPerHour = 10

/** Lets people make accounts, change their passwords and remove their accounts, with any client. */
export const register = defineModule({
  name: 'register',
  xeps: ['XEP-0077 2.4'],
  isOptIn: true,
  needs: [inBand, invitations],
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
    const { accounts, clock, config, domain, log, roles } = host
    const byAddress = new TokenBuckets(clock, config.perAddress)
    const byHost = new TokenBuckets(clock, config.perHost)
    const byAccount = new TokenBuckets(clock, changesPerHour)
    const refused = host.metrics.counter(
      'jackdaw_registrations_refused_total',
      'Accounts not made because of too many attempts',
    )

    host.onStop(
      host.use(inBand).admit({
        isOffered: () => config.newAccounts && !accounts.isForeign,
        admits: () => config.newAccounts && !accounts.isForeign,
        async register({ transport: { address } }, account, password) {
          const network = networkOf(address)
          if (!byAddress.has(network) || !byHost.take('')) {
            refused.inc()
            throw tooOften()
          }
          byAddress.take(network)
          await accounts.create(account, password, () => host.use(invitations).checkUnclaimed(account))
        },
      }),
    )

    if (!accounts.isForeign) host.feature('server', registerNs)
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
        // §3.2, §3.3
        if (!roles.may(session.account, 'register'))
          throw new StanzaError(request.payload.isRemoval ? 'forbidden' : 'not-allowed', 'Ask who administers the host')
        if (!request.payload.isRemoval) return changePassword(session.account, request.payload)
        // §3.2: the session ends with its account, so the result goes ahead.
        session.deliver(request.iq.reply('result'))
        log.info({ account: String(session.account) }, 'an account is removed by its user')
        return accounts.remove(session.account)
      })
    }

    /** §3.3 */
    async function changePassword(account: Jid, { username, password }: Registration): Promise<void> {
      if (username === undefined || password === undefined)
        throw new StanzaError('bad-request', 'A new password goes with the username')
      if (!accountNamed(username, domain).equals(account))
        throw new StanzaError('not-allowed', 'This is not your account')
      accounts.checkPassword(account, password)
      if (!byAccount.take(account.toString())) throw tooOften()
      await accounts.setPassword(account, password)
    }

    /** The session that asks about its own account. */
    function ownSession({ sender, to, isOwn }: IqRequest<Registration>): Target {
      // RFC 6121 §8.5.1: the same for an account that does not exist.
      if (to.local !== undefined && !isOwn) throw new StanzaError('service-unavailable')
      if (sender?.account.domain !== domain.domain)
        throw new StanzaError('not-allowed', `Only accounts of ${domain} are registered here`)
      if (accounts.isForeign)
        throw new StanzaError('not-allowed', `The accounts of ${domain} are kept by another system`)
      return sender
    }
  },
})

function notRegistered(): StanzaError {
  return new StanzaError('registration-required', 'You have no account here')
}

function tooOften(): StanzaError {
  return new StanzaError('resource-constraint', 'Too many attempts: try again later')
}
