import { covers, delegationNs, privilegeNs, type Privileges, remainingInfo, remainingItems } from '@jackdaw/xmpp'
import * as z from 'zod'
import { domainOf } from './fields.ts'

const text = () => z.string().min(1)
const access = () => z.enum(['none', 'get', 'set', 'both'], { error: 'expected none, get, set or both' })

/** XEP-0356 */
const privileges = z
  .strictObject({
    roster: access().describe('Whether it may get and set the rosters of accounts.').default('none'),
    push: z.boolean().describe('Whether it is told of changes in them; without it, where it may get them.').optional(),
    message: z
      .enum(['none', 'outgoing'], { error: 'expected none or outgoing' })
      .describe('Whether it may send messages in the name of the host and of accounts.')
      .default('none'),
    presence: z
      .enum(['none', 'managed_entity', 'roster'], { error: 'expected none, managed_entity or roster' })
      .describe('Whether it sees the presence of accounts (managed_entity), or of their contacts too (roster).')
      .default('none'),
    iq: z
      .record(text(), access())
      .describe('Which requests it may send in the name of accounts: get, set or both, by namespace.')
      .default({}),
  })
  .transform((written, context): Privileges => {
    const readsRoster = covers(written.roster, 'get')
    const refuse = (field: string, message: string) =>
      context.issues.push({ code: 'custom', input: written, path: [field], message })
    // §4.1, §7.4
    if (written.push && !readsRoster)
      refuse('push', 'who may not get rosters is not told of changes: set roster to get or both')
    if (written.presence === 'roster' && !readsRoster)
      refuse('presence', 'who may not get rosters does not see the presence of contacts: set roster to get or both')
    return { ...written, push: written.push ?? readsRoster }
  })

/** XEP-0355 §4.1 */
const delegations = z.record(text(), z.array(text())).superRefine((all, context) => {
  for (const namespace of Object.keys(all))
    // §8 rule 5; and what another component may do is no component's affair.
    if (isProtected(namespace))
      context.addIssue({ code: 'custom', path: [namespace], message: `${namespace} cannot be delegated` })
})

function isProtected(namespace: string): boolean {
  if (namespace === remainingInfo || namespace === remainingItems) return false
  return namespace.startsWith(delegationNs) || namespace === privilegeNs
}

const component = z.strictObject({
  secret: text().describe('What component and server both know.'),
  name: text().describe('What people see in the list of what the host has.').optional(),
  privileges: privileges.describe('What it may do for the accounts of the host (XEP-0356).').prefault({}),
  delegated: delegations
    .describe(
      'Namespaces that it answers in place of the host, each with the attributes that a request must have (XEP-0355).',
    )
    .default({}),
})

type Component = z.output<typeof component>

/** The components of a virtual host, by the domains that they serve. */
export function componentsSchema() {
  return z.record(z.string(), component).transform((written, context): Record<string, Component> => {
    const named = new Map<string, Component>()
    const managing = new Map<string, string>()
    for (const [name, value] of Object.entries(written)) {
      const domain = domainOf(name)
      if (domain === undefined)
        context.issues.push({
          code: 'invalid_key',
          origin: 'record',
          issues: [],
          input: name,
          path: [name],
          message: `expected a domain name, not "${name}"`,
        })
      else named.set(domain, value)
      for (const namespace of Object.keys(value.delegated)) {
        const other = managing.get(namespace)
        managing.set(namespace, name)
        if (other !== undefined)
          context.issues.push({
            code: 'custom',
            input: value,
            path: [name, 'delegated', namespace],
            message: `${namespace} is delegated to ${other} already`,
          })
      }
    }
    return Object.fromEntries(named)
  })
}

/** Whether any host has one: without, nothing listens for them. */
export function hasComponents(hosts: Readonly<Record<string, { readonly components: object }>>): boolean {
  return Object.values(hosts).some(({ components }) => Object.keys(components).length > 0)
}
