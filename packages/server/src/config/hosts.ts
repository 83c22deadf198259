import * as z from 'zod'
import type { Module } from '../module.ts'
import { accountsSchema } from './accounts.ts'
import { componentsSchema } from './components.ts'
import { bearerSchema } from './bearer.ts'
import { domainOf } from './fields.ts'
import { rolesSchema } from './roles.ts'
import { unknownName, wording } from './problem.ts'

/** A module's own fields, or false where it does not run. */
export type ModuleConfig = false | Readonly<Record<string, unknown>>

const text = () => z.string().min(1)

/** The virtual hosts, by name; each with the modules that this server has. */
export function hostsSchema(modules: readonly Module[]) {
  const host = z.strictObject({
    certificate: z
      .strictObject({
        key: text().describe('Private key, a PEM file.'),
        cert: text().describe('Certificate and the chain above it, a PEM file.'),
      })
      .describe(
        'The TLS certificate of this domain, read again when its files change; without it Jackdaw makes its own, which clients must be told to trust.',
      )
      .optional(),
    clientAuthorities: text()
      .describe(
        'Certificates, a PEM file, of the authorities that vouch for users of this domain: who shows a certificate of theirs with its address as XmppAddr logs in without a password (SASL EXTERNAL).',
      )
      .optional(),
    plaintext: z
      .union([z.boolean(), z.literal('loopback')], { error: 'expected false, loopback or true' })
      .describe(
        'Whether logins without TLS are allowed: not at all (false), from this machine (loopback), or from everywhere (true).',
      )
      .meta({ title: 'false, loopback or true' })
      .default(false),
    anonymous: z.boolean().describe('Whether anybody may log in without an account (SASL ANONYMOUS).').default(false),
    bearer: bearerSchema()
      .describe("Sign-in with a product's own tokens, JWTs (SASL OAUTHBEARER), beside passwords.")
      .optional(),
    accounts: accountsSchema()
      .describe('Another system that keeps the accounts of this host and checks their passwords (docs/accounts.md).')
      .optional(),
    passwordLength: z
      .int()
      .min(1)
      .max(128)
      .describe('Fewest characters of a password that somebody chooses.')
      .default(8),
    roles: rolesSchema()
      .describe(
        'Who may do what: each account has one role, `user` unless something else is said; `admin` may do all, `guest` is who has no account. Others have the names that you give them. What a role leaves out is as `user` has it; `guest` may reach other domains and register for push.',
      )
      .prefault({}),
    components: componentsSchema()
      .describe(
        'Programs that serve domains of their own, such as gateways: under each domain its `secret`, perhaps a `name`, its `privileges` and what is `delegated` to it (XEP-0114, XEP-0356, XEP-0355).',
      )
      .prefault({}),
    modules: modulesSchema(modules)
      .describe('Extensions: false switches one off, true switches one on, fields switch it on and set it.')
      .prefault({}),
  })
  return z.record(z.string(), host).transform((hosts, context): Record<string, z.output<typeof host>> => {
    const named = new Map<string, z.output<typeof host>>()
    for (const [name, value] of Object.entries(hosts)) {
      const domain = domainOf(name)
      const message =
        domain === undefined
          ? `expected a domain name, not "${name}"`
          : named.has(domain)
            ? `the domain "${domain}" stands here twice`
            : undefined
      if (message !== undefined)
        context.issues.push({ code: 'invalid_key', origin: 'record', issues: [], input: name, path: [name], message })
      else named.set(domain!, value)
    }
    const served = new Map<string, string>()
    const serve = (domain: string, by: string, path: string[], remedy: string) => {
      const taken = named.has(domain) ? 'a host of this server' : served.get(domain)
      served.set(domain, by)
      if (taken !== undefined)
        context.issues.push({
          code: 'custom',
          input: domain,
          path,
          message: `${domain} is ${taken} already: choose another ${remedy}`,
        })
    }
    for (const [domain, { accounts, anonymous }] of named)
      if (accounts !== undefined && anonymous)
        context.issues.push({
          code: 'custom',
          input: anonymous,
          path: [domain, 'anonymous'],
          message: 'anybody could be one of its accounts: take another host for those who have none',
        })
    for (const [domain, { modules: configured }] of named)
      for (const module of modules)
        for (const [field, below] of domainsBelow(domain, module, configured[module.name]))
          serve(below, `served by the module "${module.name}"`, [domain, 'modules', module.name, field], 'label')
    for (const [domain, { roles }] of named)
      for (const [role, { accounts }] of Object.entries(roles))
        for (const [at, account] of accounts.entries())
          if (!account.endsWith(`@${domain}`))
            context.issues.push({
              code: 'custom',
              input: account,
              path: [domain, 'roles', role, 'accounts', at],
              message: `expected an account of ${domain}, not ${account}`,
            })
    for (const [owner, { components }] of named)
      for (const domain of Object.keys(components))
        serve(domain, 'that of a component', [owner, 'components', domain], 'domain')
    if (named.size === 0 && context.issues.length === 0)
      context.issues.push({ code: 'custom', input: hosts, message: 'expected at least one domain' })
    return Object.fromEntries(named)
  })
}

/** The domains below its host's that a module serves, by the fields that name them. */
export function domainsBelow(
  domain: string,
  module: Module,
  config: ModuleConfig | undefined,
): (readonly [field: string, domain: string])[] {
  if (!config) return []
  return subdomainFields(module).map((field) => [field, `${String(config[field])}.${domain}`])
}

/** The fields that name a domain below the host's. */
function subdomainFields({ config }: Module): string[] {
  const shape = (config as z.ZodObject | undefined)?.shape ?? {}
  return Object.keys(shape).filter((name) => (shape[name] as z.ZodType).meta()?.['isSubdomain'] === true)
}

function modulesSchema(modules: readonly Module[]) {
  return z
    .record(
      z.string(),
      z.union([z.boolean(), z.record(z.string(), z.unknown())], {
        error: 'expected true, false or the fields of the module',
      }),
    )
    .transform((written, context): Record<string, ModuleConfig> => {
      const names = modules.map((module) => module.name)
      for (const name of Object.keys(written)) {
        if (!names.includes(name))
          context.issues.push({
            code: 'invalid_key',
            origin: 'record',
            issues: [],
            input: name,
            path: [name],
            message: unknownName('module', name, names),
          })
      }
      const configured = Object.fromEntries(
        modules.map((module): [string, ModuleConfig] => {
          const value = written[module.name] ?? module.isOptIn !== true
          if (value === false) return [module.name, false]
          const schema = (module.config as z.ZodObject | undefined)?.strict() ?? z.strictObject({})
          const result = schema.safeParse(value === true ? {} : value, { error: wording })
          if (result.success) return [module.name, result.data]
          for (const issue of result.error.issues)
            context.issues.push({
              ...issue,
              input: undefined,
              path: [module.name, ...issue.path],
            })
          return [module.name, false]
        }),
      )
      for (const { name, needs = [] } of modules)
        for (const needed of needs)
          if (configured[name] !== false && written[needed.name] === false)
            context.issues.push({
              code: 'custom',
              input: false,
              path: [needed.name],
              message: `the module "${name}" needs this one: switch that off too, or neither`,
            })
      return configured
    })
}
