import { fieldValues, type Form, formatDateTime, formTypeField, inviteNs, type Jid, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule } from '../../module.ts'
import type { AdHocCommand, Outcome } from '../commands/ad-hoc.ts'
import { commands } from '../commands/commands.ts'
import { accountNamed } from '../in-band.ts'
import { invitations } from './invitations.ts'

/** Users invite people with any client that knows ad-hoc commands; who comes is a contact of whoever has invited. */
export const inviteCommands = defineModule({
  name: 'invite-commands',
  xeps: ['XEP-0401 0.6.0'],
  isOptIn: true,
  needs: [commands, invitations],
  config: z.object({
    perUser: z.int().min(1).default(10).describe('Most invitations of one user that are open at once.'),
  }),
  start(host) {
    const { accounts, config, domain, roles } = host
    const { list, make } = host.use(invitations)

    host.onStop(
      host.use(commands).offer((from): AdHocCommand[] => {
        const isOwn = from.local !== undefined && from.domain === domain.domain
        const isAllowed = isOwn && !accounts.isForeign && roles.may(from, 'invite')
        return [
          {
            node: `${inviteNs}#invite`,
            name: 'Invite user',
            isAllowed,
            carryOut: () => invite(from.bare),
          },
          {
            node: `${inviteNs}#create-account`,
            name: 'Create account',
            isAllowed,
            ask: () => ({
              type: 'form',
              fields: [{ var: 'username', type: 'text-single', label: 'Username', isRequired: true }],
            }),
            carryOut: (answers) => invite(from.bare, accountNamed(fieldValues(answers, 'username')![0]!, domain)),
          },
        ]
      }),
    )

    async function invite(inviter: Jid, account?: Jid): Promise<Outcome> {
      // RFC 4505: who has no account has nobody to answer for.
      if (!(await accounts.exists(inviter))) throw new StanzaError('forbidden', 'Only accounts invite')
      const open = list().filter((one) => one.inviter === inviter.toString()).length
      if (open >= config.perUser)
        throw new StanzaError('resource-constraint', `You have ${open} invitations that nobody has used yet`)
      const { uri, landingUrl, expires } = await make({ inviter, ...(account && { account }) })
      const form: Form = {
        type: 'result',
        fields: [
          formTypeField(`${inviteNs}#invitation`),
          { var: 'uri', type: 'text-single', values: [uri!] },
          ...(landingUrl === undefined
            ? []
            : [{ var: 'landing-url', type: 'text-single', values: [landingUrl] } as const]),
          { var: 'expire', type: 'text-single', values: [formatDateTime(expires)] },
        ],
      }
      return { form }
    }
  },
})
