import * as z from 'zod'
import type { Right, RoleLimit } from '../module.ts'
import { accountAddress, size } from './fields.ts'

const rights = {
  rooms: 'make rooms',
  nodes: 'make nodes at the pubsub service',
  upload: 'upload files',
  push: 'register for push notifications',
  invite: 'invite people',
  register: 'change the password, and remove the account',
  domains: 'reach other domains, and be reached from there',
  administer: 'administer the host',
} as const satisfies Record<Right, string>
const all = Object.keys(rights) as Right[]

const count = (instead: string) => z.int().min(1).max(1_000_000_000).describe(`Instead of ${instead}.`).optional()
const bytes = (instead: string, min: string, max?: string) =>
  size({ min, ...(max !== undefined && { max }) })
    .describe(`Instead of ${instead}.`)
    .optional()

const limits = z.strictObject({
  stanzaBytes: bytes('limits.stanzaBytes', '10000 B', '64 MiB'),
  inboundBytesPerSecond: bytes('limits.inboundBytesPerSecond', '1 KiB'),
  inboundBurstBytes: bytes('limits.inboundBurstBytes', '10000 B'),
  stanzasPerSecond: count('limits.stanzasPerSecond'),
  stanzasBurst: count('limits.stanzasBurst'),
  resourcesPerAccount: count('limits.resourcesPerAccount'),
  rooms: count('modules.muc.perAccount'),
  nodes: count('modules.pubsub.nodes'),
  maxFileSize: bytes('modules.upload.maxFileSize', '1 KiB'),
  quota: bytes('modules.upload.quota', '1 KiB'),
} satisfies Record<RoleLimit, z.ZodType>)

const role = z.strictObject({
  accounts: z.array(accountAddress()).describe('Addresses of accounts that have this role.').default([]),
  may: z
    .array(z.enum(all))
    .describe(
      `What they may do: ${Object.entries(rights)
        .map(([right, what]) => `\`${right}\` (${what})`)
        .join(', ')}.`,
    )
    .optional(),
  limits: limits.describe('What differs from the limits of everybody.').prefault({}),
})

/** What needs no account. */
const guestRights: readonly Right[] = ['rooms', 'push', 'domains']
const guestMay: readonly Right[] = ['push', 'domains']

export type RolesConfig = z.output<ReturnType<typeof rolesSchema>>

/** The roles of a virtual host, those that always are among them; what a role leaves out is filled in. */
export function rolesSchema() {
  return z.record(z.string(), role).transform((written, context) => {
    const named = new Map<string, string>()
    for (const name of Object.keys(written))
      if (!/^[a-z][\w-]{0,63}$/.test(name))
        context.issues.push({
          code: 'invalid_key',
          origin: 'record',
          issues: [],
          input: name,
          path: [name],
          message: `expected a name of letters and digits that begins with a small one, not "${name}"`,
        })
    for (const [name, { accounts }] of Object.entries(written))
      for (const [at, account] of accounts.entries()) {
        const other = named.get(account)
        named.set(account, name)
        const message =
          name === 'guest'
            ? 'who has an account is no guest'
            : other !== undefined
              ? `${account} has the role "${other}" already`
              : undefined
        if (message !== undefined)
          context.issues.push({ code: 'custom', input: account, path: [name, 'accounts', at], message })
      }
    const { guest, user } = written
    for (const [at, right] of (guest?.may ?? []).entries())
      if (!guestRights.includes(right))
        context.issues.push({
          code: 'custom',
          input: right,
          path: ['guest', 'may', at],
          message: `expected ${guestRights.join(' or ')}: the rest needs an account`,
        })
    const resolved = (name: string, otherwise: readonly Right[]) => ({
      accounts: written[name]?.accounts ?? [],
      may: written[name]?.may ?? otherwise,
      limits: { ...user?.limits, ...written[name]?.limits } satisfies Partial<Record<RoleLimit, number | undefined>>,
    })
    const userMay = user?.may ?? all.filter((right) => right !== 'administer')
    const names = Object.keys(written).filter((name) => !['guest', 'user', 'admin'].includes(name))
    return {
      guest: resolved('guest', guestMay),
      user: resolved('user', userMay),
      admin: resolved('admin', all),
      ...Object.fromEntries(names.map((name) => [name, resolved(name, userMay)])),
    }
  })
}
