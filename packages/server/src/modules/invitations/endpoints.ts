import * as z from 'zod'
import type { Host } from '../../module.ts'
import { Problem } from '../rest-api/problem.ts'
import { address, paged, pageOf, pageQuery, shownTime, sortedBehind, time } from '../rest-api/schemas.ts'
import type { InvitationWish, ListedInvitation, MadeInvitation } from './invitations.ts'

const id = z.string().max(100)
const listed = z.strictObject({
  id,
  isReset: z.boolean().describe('Whether it sets a new password of `account`.'),
  account: z.string().optional().describe('For whom alone it is.'),
  inviter: z.string().optional(),
  uses: z.int().describe('How often it can still be used.'),
  used: z.int(),
  isFirst: z.boolean().describe('Whether a start of a server without accounts has made it.'),
  made: time,
  expires: time,
})

interface Invitations {
  readonly hasPage: boolean
  make(wish: InvitationWish): Promise<MadeInvitation>
  list(): ListedInvitation[]
  revoke(id: string): boolean
}

/** Links for new accounts and new passwords. */
export function invitationEndpoints(host: Host, invitations: Invitations): void {
  host.endpoint({
    method: 'get',
    path: '/invitations',
    scope: 'invitations:read',
    summary: 'List the invitations that are open',
    query: pageQuery,
    answer: { status: 200, description: 'In the order of their ids.', schema: pageOf(listed) },
    async handle({ query }) {
      const page = await paged(
        query,
        sortedBehind(invitations.list(), (one) => one.id),
        (one) => one.id,
      )
      return { ...page, items: page.items.map(shown) }
    },
  })

  host.endpoint({
    method: 'post',
    path: '/invitations',
    scope: 'invitations:write',
    moreScopes: ['accounts:write'],
    summary: 'Make a link with which somebody makes an account, or sets a new password',
    body: z.strictObject({
      account: address.optional().describe('The account that is to be made, or whose password is to be set.'),
      isReset: z
        .boolean()
        .default(false)
        .describe('For a new password of `account`: needs the scope `accounts:write`.'),
      uses: z.int().min(1).max(9999).default(1),
      lifetime: z.int().min(60).max(31_536_000).default(604_800).describe('Seconds.'),
    }),
    answer: {
      status: 201,
      description: 'The links; they cannot be read again.',
      schema: z.strictObject({
        id,
        url: z.string().optional().describe('A page for browsers, where HTTPS is served.'),
        uri: z.string().optional().describe('For apps (XEP-0445).'),
        expires: time,
      }),
    },
    async handle({ body: { account, isReset, uses, lifetime }, demand, record }) {
      // Who may only invite takes over no account, nor one to which the configuration gives a role.
      if (isReset || (account && host.roles.isConfigured(account))) demand('accounts:write')
      if (isReset && !account) throw new Problem(422, 'A new password is of an `account`')
      if (isReset && !invitations.hasPage)
        throw new Problem(422, 'No HTTPS is served, so there is no page that sets a password')
      if (account && account.domain !== host.domain.domain)
        throw new Problem(422, `${account} is not of ${host.domain}`)
      const made = await invitations.make({ isReset, uses, lifetime: lifetime * 1000, ...(account && { account }) })
      record(isReset ? 'made a link for a new password of' : 'made an invitation', String(account ?? host.domain))
      return {
        id: made.id,
        ...(made.landingUrl !== undefined && { url: made.landingUrl }),
        ...(made.uri !== undefined && { uri: made.uri }),
        expires: shownTime(made.expires),
      }
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/invitations/{id}',
    scope: 'invitations:write',
    summary: 'Take an invitation back',
    params: z.strictObject({ id }),
    answer: { status: 204, description: 'It is good no more.' },
    handle({ params, record }) {
      if (!invitations.revoke(params.id)) throw new Problem(404, `There is no open invitation ${params.id}`)
      record('took back an invitation', params.id)
    },
  })
}

function shown({ isFirst, made, expires, ...invitation }: ListedInvitation) {
  return { ...invitation, isFirst: isFirst === true, made: shownTime(made), expires: shownTime(expires) }
}
