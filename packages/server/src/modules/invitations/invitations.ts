import { ibrTokenFeature, Jid, parsNs, Preauth, presence, StanzaError } from '@jackdaw/xmpp'
import { networkOf } from '../../address.ts'
import { defineModule, map } from '../../module.ts'
import type { Stream } from '../../stream/stream.ts'
import { when } from '../../when.ts'
import { hostMeta } from '../host-meta.ts'
import { answerStranger, inBand } from '../in-band.ts'
import { isSubscribedTo, isSubscriber } from '../roster/contact.ts'
import { roster } from '../roster/roster.ts'
import { TokenBuckets } from '../token-buckets.ts'
import { Book, invalid } from './book.ts'
import { invitationEndpoints } from './endpoints.ts'
import { idOf, type Invitation, uriOf } from './invitation.ts'
import { Pages } from './pages.ts'

/** Most tokens that are none, and registrations that fail, within an hour from one network. */
const faultsPerHour = 60

/** How an invitation is made: for a week, for one person, unless something else is said. */
export interface InvitationWish {
  readonly isReset?: boolean
  /** Who invites: becomes a contact of who comes. */
  readonly inviter?: Jid
  /** For this account alone. */
  readonly account?: Jid
  readonly uses?: number
  /** Milliseconds. */
  readonly lifetime?: number
  readonly isFirst?: boolean
  /** Given to the account. */
  readonly role?: string
}

export interface MadeInvitation {
  readonly id: string
  /** The page; undefined where no HTTPS is served. */
  readonly landingUrl: string | undefined
  /** For apps. */
  readonly uri: string | undefined
  /** Milliseconds since the Unix epoch. */
  readonly expires: number
}

export interface ListedInvitation extends Invitation {
  readonly id: string
}

export const week = 604_800_000

/** Links with which people make accounts where nobody else may, and become contacts of who invited them. */
export const invitations = defineModule({
  name: 'invitations',
  xeps: ['XEP-0379 0.3.3', 'XEP-0445 0.2.0'],
  needs: [hostMeta, inBand, roster],
  stores: { open: map<Invitation>() },
  async start(host) {
    const { accounts, audit, clock, domain, log, roles } = host
    const { rosters, checkSize } = host.use(roster)
    const book = await Book.open(host.stores.open, clock, host.random)
    const faults = new TokenBuckets(clock, faultsPerHour)
    const used = host.metrics.counter('jackdaw_invitations_used_total', 'Accounts made and passwords set by invitation')
    host.metrics.gauge('jackdaw_invitations', 'Invitations that are open', () => book.size)
    /** The hashes of the tokens that clients have shown. */
    const shown = new WeakMap<Stream, string>()

    // XEP-0445 §4
    host.streamFeature({
      name: 'pre-authenticated registration',
      ns: parsNs,
      forbids: ['authenticated'],
      offer: () => (book.size > 0 && !accounts.isForeign ? ibrTokenFeature : undefined),
      negotiate: (stream, element) =>
        answerStranger(stream, element, (_, type, payload) => {
          if (type !== 'set' || payload.name !== Preauth.name) throw new StanzaError('service-unavailable')
          const { token } = Preauth.read(payload)
          const network = networkOf(stream.transport.address)
          if (!faults.has(network)) throw tooOften()
          const found = book.find(token)
          if (!found || found.invitation.isReset) {
            faults.take(network)
            throw invalid()
          }
          shown.set(stream, found.hash)
          return undefined
        }),
    })
    const invitationOf = (stream: Stream) => book.get(shown.get(stream))
    host.onStop(
      host.use(inBand).admit({
        isOffered: () => book.size > 0 && !accounts.isForeign,
        admits: (stream) => invitationOf(stream) !== undefined,
        name: (stream) => localOf(invitationOf(stream)),
        async register(stream, account, password) {
          const network = networkOf(stream.transport.address)
          if (!faults.has(network)) throw tooOften()
          try {
            await enrol(shown.get(stream)!, account, password)
          } catch (error) {
            if (error instanceof StanzaError) faults.take(network)
            throw error
          }
        },
      }),
    )

    /** Makes the account, uses the invitation and makes contacts, all in one commit. */
    async function enrol(hash: string, account: Jid, password: string): Promise<void> {
      await accounts.create(account, password, () => {
        const invitation = book.get(hash)
        if (!invitation || invitation.isReset || isOfDisabled(invitation)) throw invalid()
        if (invitation.account === undefined) (invitation.isFirst ? checkFree : checkUnclaimed)(account)
        else if (invitation.account !== account.toString())
          throw new StanzaError('not-acceptable', `The invitation is for ${invitation.account}`)
        use(hash, account, 'account')
        if (invitation.role !== undefined) promote(account, invitation.role, hash)
        if (invitation.inviter !== undefined) befriend(Jid.parse(invitation.inviter), account)
      })
      log.info({ account: String(account), invitation: idOf(hash) }, 'an account was made by invitation')
    }

    function promote(account: Jid, role: string, hash: string): void {
      roles.give(account, role)
      audit.record({ by: `invitation ${idOf(hash)}`, did: `gave the role ${role} to`, to: account.toString() })
    }

    /** Who is shut out lets nobody in. */
    function isOfDisabled({ inviter }: Invitation): boolean {
      return inviter !== undefined && accounts.isDisabled(Jid.parse(inviter))
    }

    async function reset(hash: string, account: Jid, password: string): Promise<void> {
      await accounts.setPassword(account, password, () => {
        use(hash, account, 'password')
      })
      log.info({ account: String(account), invitation: idOf(hash) }, 'a password was set by invitation')
    }

    /** @throws StanzaError item-not-found when it cannot be used any more */
    function use(hash: string, account: Jid, purpose: 'account' | 'password' | 'contact'): void {
      const inviter = book.get(hash)?.inviter
      book.use(hash)
      used.inc()
      host.tell('invitation:used', { id: idOf(hash), account, purpose, inviter })
    }

    /** XEP-0401 §5.5: each sees the other, at once. */
    function befriend(inviter: Jid, account: Jid): void {
      for (const [one, other] of [
        [inviter, account],
        [account, inviter],
      ] as const)
        void when(rosters.of(one), (own) => {
          const contact = own.contact(other)
          rosters.push(own, other, { ...contact, subscription: 'both', ask: false, request: '' })
        })
    }

    // XEP-0379 §3.5: a request with a token is approved, and returned. One with none that is valid is like any other (§4.1).
    host.hook('presence:in', 'copy', ({ stanza }) => {
      const inviter = stanza.to!.bare
      const jid = stanza.from!.bare
      const token = stanza.type === 'subscribe' ? stanza.child(Preauth.name, parsNs)?.attr('token') : undefined
      const hash = token === undefined ? undefined : contactHash(token, inviter)
      // Who is shut out lets nobody in.
      if (hash === undefined || accounts.isDisabled(inviter)) return
      return when(rosters.of(inviter), (own) => {
        const old = own.contact(jid)
        if (isSubscriber(old) || !book.get(hash)) return
        try {
          if (old.version === 0) checkSize(own)
        } catch {
          return
        }
        use(hash, jid, 'contact')
        rosters.push(own, jid, { ...old, approved: true, ask: !isSubscribedTo(old) })
        if (!isSubscribedTo(old)) host.send(presence({ from: inviter, to: jid, type: 'subscribe' }))
      })
    })

    function contactHash(token: string, inviter: Jid): string | undefined {
      const found = book.find(token)
      const isMeant = found?.invitation.inviter === inviter.toString() && found.invitation.account === undefined
      return isMeant ? found.hash : undefined
    }

    host.on('account:removed', ({ account }) => {
      const name = account.toString()
      book.revoke((_, { inviter, isReset, account: of }) => inviter === name || (isReset && of === name))
    })

    host.http('/invite/', new Pages({ host, book, faults, enrol, reset, address: host.use(hostMeta) }).serve)

    /** Refuses a name that is kept for somebody else. */
    function checkFree(account: Jid): void {
      if (book.isReserved(account)) throw new StanzaError('conflict', `${account} is reserved for somebody`)
    }

    /** Refuses also a name to which the configuration gives a role: else whoever comes first would be an administrator. */
    function checkUnclaimed(account: Jid): void {
      checkFree(account)
      if (roles.isConfigured(account)) throw new StanzaError('conflict', `${account} is reserved for somebody`)
    }

    const api = {
      checkFree,
      checkUnclaimed,
      /** Whether there is an address at which browsers find the page. */
      get hasPage(): boolean {
        return host.use(hostMeta).origin() !== undefined
      },
      /** @throws StanzaError not-allowed: another system keeps the accounts; conflict: the account exists, or is reserved; item-not-found: there is none whose password could be set */
      async make(wish: InvitationWish): Promise<MadeInvitation> {
        if (accounts.isForeign)
          throw new StanzaError('not-allowed', `The accounts of ${domain} are kept by another system`)
        const { isReset = false, inviter, account, uses = 1, lifetime = week, isFirst, role } = wish
        if (account) {
          const exists = await accounts.exists(account)
          if (isReset && !exists) throw new StanzaError('item-not-found', `There is no account ${account}`)
          if (!isReset && exists) throw new StanzaError('conflict', `${account} exists already`)
          if (!isReset) checkFree(account)
        }
        if (isFirst) book.revoke((_, one) => one.isFirst === true)
        const expires = clock.now() + lifetime
        const token = book.make({
          isReset,
          uses,
          expires,
          ...(inviter && { inviter: inviter.toString() }),
          ...(account && { account: account.toString() }),
          ...(isFirst && { isFirst }),
          ...(role !== undefined && { role }),
        })
        const base = host.use(hostMeta).origin()
        return {
          id: idOf(book.find(token)!.hash),
          landingUrl: base && `${base}/invite/${token}`,
          uri: uriOf(book.find(token)!.invitation, token, domain),
          expires,
        }
      },
      list: (): ListedInvitation[] => book.list().map(([hash, invitation]) => ({ ...invitation, id: idOf(hash) })),
      /** Takes back the one with this id; returns whether there was one. */
      revoke: (id: string): boolean => book.revoke((hash) => idOf(hash) === id) > 0,
    }
    invitationEndpoints(host, api)
    return api
  },
})

function localOf(invitation: Invitation | undefined): string | undefined {
  return invitation?.account === undefined ? undefined : Jid.parse(invitation.account).local
}

function tooOften(): StanzaError {
  return new StanzaError('resource-constraint', 'Too many attempts: try again later')
}
