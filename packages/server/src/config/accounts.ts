import * as z from 'zod'
import { duration } from './fields.ts'

const text = () => z.string().min(1)
const authorities = () =>
  text()
    .describe('Certificates, a PEM file, of the authorities that vouch for it, instead of the usual ones.')
    .optional()

const ldap = z.strictObject({
  url: text()
    .refine((url) => ['ldap:', 'ldaps:'].includes(URL.parse(url)?.protocol ?? ''), {
      error: "expected 'ldaps://' or 'ldap://', a name and perhaps a port",
    })
    .describe('Where it is: `ldaps://` for TLS from the beginning, or `ldap://`.'),
  startTls: z
    .boolean()
    .describe(
      'Whether TLS is begun on an `ldap://` connection. Without it, passwords go in clear: on this machine only.',
    )
    .default(true),
  ca: authorities(),
  base: text().describe('The name of the entry below which all users are: `ou=people,dc=example,dc=org`.'),
  attribute: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/i, { error: "expected an attribute's name, such as 'uid'" })
    .describe('Which attribute of an entry is the local part of the address: `sAMAccountName` in Active Directory.')
    .default('uid'),
  filter: text()
    .describe(
      'What else holds for those who have an account (RFC 4515): `(memberOf=cn=chat,ou=groups,dc=example,dc=org)`.',
    )
    .default('(objectClass=*)'),
  bindDn: text().describe('Who looks for entries; without it, nobody (anonymously).').optional(),
  passwordFile: text().describe('A file with the password of `bindDn`.').optional(),
})

const http = z.strictObject({
  url: text()
    .refine(isSafe, { error: "expected 'https://…', or 'http://' to this machine" })
    .describe('What is asked: docs/accounts.md says how.'),
  ca: authorities(),
  secretFile: text()
    .describe('A file with the secret that shows the service who asks (`Authorization: Bearer`).')
    .optional(),
})

export type LdapConfig = z.output<typeof ldap>
export type HttpCheckConfig = z.output<typeof http>
export type AccountsConfig = z.output<ReturnType<typeof accountsSchema>>

/** Which other system keeps a host's accounts. */
export function accountsSchema() {
  return z
    .strictObject({
      ldap: ldap.describe('A directory: LDAP version 3 (RFC 4511), with simple binds.').optional(),
      http: http.describe("A service that answers over HTTP, such as a product's own.").optional(),
      timeout: duration({ min: '100 ms', max: '60 s' })
        .describe('How long each step of a question may take; to wait for its turn, as long again.')
        .prefault('5 s'),
      parallel: z.int().min(1).max(256).describe('Most questions that are asked at once.').default(8),
      knownTime: duration({ min: '1 s', max: '24 h' })
        .describe(
          'How long somebody is believed to exist. Who is connected is asked about as often, and signed out when gone.',
        )
        .prefault('5 min'),
      unknownTime: duration({ min: '0 s', max: '1 h' })
        .describe('How long it is believed that there is nobody of a name.')
        .prefault('30 s'),
    })
    .refine(({ ldap: one, http: other }) => (one === undefined) !== (other === undefined), {
      error: 'expected either ldap or http',
    })
    .refine(({ ldap: one }) => one === undefined || isPrivate(one), {
      path: ['ldap', 'startTls'],
      error: 'passwords would go in clear to another machine: leave it true, or take ldaps://',
    })
    .refine(({ ldap: one }) => (one?.bindDn === undefined) === (one?.passwordFile === undefined), {
      path: ['ldap', 'passwordFile'],
      error: 'bindDn and passwordFile go together',
    })
}

const local = ['localhost', '127.0.0.1', '[::1]']

function isPrivate({ url, startTls }: LdapConfig): boolean {
  const parsed = URL.parse(url)
  return startTls || parsed?.protocol === 'ldaps:' || local.includes(parsed?.hostname ?? '')
}

function isSafe(written: string): boolean {
  const url = URL.parse(written)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && local.includes(url.hostname))
}
