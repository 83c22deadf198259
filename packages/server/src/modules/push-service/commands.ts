import { fieldValues, type Form, formTypeField, type Jid, StanzaError } from '@jackdaw/xmpp'
import type { AdHocCommand } from '../commands/ad-hoc.ts'
import type { Deliverer } from './deliverer.ts'
import type { Registration, Registrations } from './registrations.ts'

/** The FORM_TYPE, and what the nodes of the commands begin with. */
export const registrationNs = 'urn:jackdaw:push:0'

interface CommandsOptions {
  readonly domain: Jid
  /** Full JID of who asks. */
  readonly from: Jid
  /** Whether it is of this host, and may register. */
  readonly isOwn: boolean
  readonly deliverers: ReadonlyMap<string, ReadonlyMap<string, Deliverer>>
  readonly registrations: Registrations
  register(given: Omit<Registration, 'secret' | 'at'>): Promise<{ readonly id: string; readonly secret: string }>
}

/** XEP-0050: how the app on a device registers itself, and ends that. */
export function commands({
  domain,
  from,
  isOwn,
  deliverers,
  registrations,
  register,
}: CommandsOptions): AdHocCommand[] {
  const account = from.bare.toString()
  return [
    {
      node: `${registrationNs}#register`,
      name: 'Register for push messages',
      isAllowed: isOwn,
      ask: () => question(deliverers),
      async carryOut(answers) {
        const value = (name: string) => fieldValues(answers, name)?.[0] || undefined
        const [app, kind, alias] = [value('app')!, value('kind')!, value('alias')]
        const deliverer = deliverers.get(app)?.get(kind)
        if (!deliverer) throw new StanzaError('not-acceptable', 'The app is not known, or not reached that way')
        const address = Object.fromEntries(deliverer.fields.map((field) => [field, value(field) ?? '']))
        const tags = fieldValues(answers, 'tags')?.filter((tag) => tag !== '') ?? []
        if ([...tags, alias ?? ''].some((text) => text.length > 255) || tags.length > 100)
          throw new StanzaError('not-acceptable', 'The alias or the tags are too long')
        const { id, secret } = await register({ app, kind, address, tags, account, ...(alias && { alias }) })
        const form: Form = {
          type: 'result',
          fields: [
            formTypeField(registrationNs),
            { var: 'jid', type: 'jid-single', values: [domain.toString()] },
            { var: 'node', type: 'text-single', values: [id] },
            { var: 'secret', type: 'text-single', values: [secret] },
          ],
        }
        return { form }
      },
    },
    {
      node: `${registrationNs}#unregister`,
      name: 'End a registration',
      isAllowed: isOwn,
      ask: () => ({
        type: 'form',
        fields: [
          formTypeField(registrationNs),
          { var: 'node', type: 'text-single', label: 'Registration', isRequired: true },
        ],
      }),
      async carryOut(answers) {
        const id = fieldValues(answers, 'node')![0]!
        const found = await registrations.get(id)
        if (found?.account !== account) throw new StanzaError('item-not-found', 'There is no such registration')
        registrations.remove(id, found, 'Ended by the user')
      },
    },
  ]
}

function question(deliverers: CommandsOptions['deliverers']): Form {
  const all = [...deliverers.values()].flatMap((kinds) => [...kinds.values()])
  const choice = (values: Iterable<string>) => [...new Set(values)].map((value) => ({ value }))
  const text = (name: string, label: string) => ({ var: name, type: 'text-single', label }) as const
  const options = { type: 'list-single', isRequired: true } as const
  return {
    type: 'form',
    fields: [
      formTypeField(registrationNs),
      { var: 'app', label: 'App', ...options, options: choice(deliverers.keys()) },
      { var: 'kind', label: 'Service', ...options, options: choice(all.map(({ kind }) => kind)) },
      ...[...new Set(all.flatMap(({ fields }) => fields))].map((field) => text(field, `Address: ${field}`)),
      text('alias', 'Alias'),
      { var: 'tags', type: 'text-multi', label: 'Tags' },
    ],
  }
}
