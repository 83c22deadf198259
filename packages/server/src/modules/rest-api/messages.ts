import { clientNs, type Element, type Jid, message, type Message, xml } from '@jackdaw/xmpp'
import * as z from 'zod'
import type { Host } from '../../module.ts'
import type { Random } from '../../world.ts'
import { Problem } from './problem.ts'
import { address } from './schemas.ts'

export const sendScope = 'messages:send'
export const sendAsScope = 'messages:send-as'

/** What every message says. */
export const messageContent = z.strictObject({
  from: address.optional().describe(`The account that says it: needs the scope \`${sendAsScope}\`.`),
  id: z.string().min(1).max(255).optional().describe('The id of the stanza; made up unless it is given.'),
  subject: z.string().max(1024).optional(),
  body: z.string().min(1).max(65_536),
})

export const sentMessage = z.strictObject({ id: z.string().describe('Of the stanza.') })

/** The stanza with that content. */
export function messageOf(
  { id, subject, body }: Pick<z.output<typeof messageContent>, 'id' | 'subject' | 'body'>,
  addresses: { readonly from: Jid; readonly to: Jid; readonly type: 'chat' | 'normal' | 'groupchat' },
  random: Random,
): Message {
  const leaf = (name: string, text: string): Element => xml(name, clientNs, undefined, text)
  return message(
    { ...addresses, id: id ?? Buffer.from(random.bytes(12)).toString('base64url') },
    subject === undefined ? undefined : leaf('subject', subject),
    leaf('body', body),
  )
}

/** Messages to accounts, and of accounts to anybody. */
export function messageEndpoints(host: Host): void {
  const { accounts, domain, random } = host

  host.endpoint({
    method: 'post',
    path: '/messages',
    scope: sendScope,
    moreScopes: [sendAsScope],
    summary: 'Send a message to an account, in the name of the host or of an account',
    body: messageContent.extend({ to: address, type: z.enum(['chat', 'normal']).default('chat') }),
    answer: { status: 201, description: 'It is delivered, or kept for the account.', schema: sentMessage },
    isRepeatable: true,
    async handle({ body: { from, to, type, ...content }, demand, record }) {
      if (from) {
        demand(sendAsScope)
        if (!(await accounts.exists(from))) throw new Problem(422, `There is no account ${from} here`)
        if (accounts.isDisabled(from)) throw new Problem(422, `${from} is disabled: nobody speaks in its name`)
      }
      // The host writes to its own accounts alone.
      const isKnown = to.domain === domain.domain ? await accounts.exists(to) : from !== undefined
      if (!isKnown) throw new Problem(404, `There is no account ${to}`)
      const stanza = messageOf(content, { from: from ?? domain, to, type }, random)
      await host.submit(stanza)
      record(from ? `sent a message of ${from} to` : 'sent a message to', to.toString())
      return { id: stanza.id! }
    },
  })
}
