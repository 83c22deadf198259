import { type Form, formTypeField } from './forms.ts'

/** XEP-0157 §6.1: whom to turn to with what. */
export const contactRoles = ['abuse', 'admin', 'feedback', 'sales', 'security', 'status', 'support'] as const
export type ContactRole = (typeof contactRoles)[number]

/** What stands in a server's answer to disco#info: URIs by role. */
export function contactForm(addresses: Readonly<Partial<Record<ContactRole, readonly string[]>>>): Form {
  const fields = contactRoles.flatMap((role) => {
    const values = addresses[role] ?? []
    return values.length > 0 ? [{ var: `${role}-addresses`, type: 'list-multi' as const, values }] : []
  })
  return { type: 'result', fields: [formTypeField('http://jabber.org/network/serverinfo'), ...fields] }
}
