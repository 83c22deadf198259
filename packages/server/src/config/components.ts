import * as z from 'zod'
import { domainOf } from './fields.ts'

const text = () => z.string().min(1)

const component = z.strictObject({
  secret: text().describe('What component and server both know.'),
  name: text().describe('What people see in the list of what the host has.').optional(),
})

/** The components of a virtual host, by the domains that they serve. */
export function componentsSchema() {
  return z.record(z.string(), component).transform((written, context): Record<string, z.output<typeof component>> => {
    const named = new Map<string, z.output<typeof component>>()
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
    }
    return Object.fromEntries(named)
  })
}

/** Whether any host has one: without, nothing listens for them. */
export function hasComponents(hosts: Readonly<Record<string, { readonly components: object }>>): boolean {
  return Object.values(hosts).some(({ components }) => Object.keys(components).length > 0)
}
