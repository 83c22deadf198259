// Writes docs/configuration.md from the schema of the configuration and the modules' own.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type * as z from 'zod'
import { configSchema } from '../packages/server/src/config.ts'
import type { Module } from '../packages/server/src/module.ts'
import { modules } from '../packages/server/src/modules/modules.ts'

export const page = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))

export function configurationPage(): string {
  const { hosts, ...sections } = configSchema(modules).shape
  const host = inner(inner(hosts).schema.def.valueType as z.ZodType).schema
  return `# Configuration

Jackdaw needs no configuration: without one it serves \`localhost\` with its data in \`./data\`. To change something, write a YAML file,
\`jackdaw.yaml\` in the folder where Jackdaw starts, or name another one with \`--config\`. What is left out has its default. A field that
does not exist or a value that does not fit is refused, with its line; \`jackdaw check\` looks further, at certificates, ports, DNS and more.
\`jackdaw reload\` takes changes over without a restart; those under \`data\`, \`listen\` and \`storage\` wait for the next start.

\`\`\`yaml
data: /var/lib/jackdaw
hosts:
  example.org:
    certificate:
      key: /etc/jackdaw/example.org.key
      cert: /etc/jackdaw/example.org.pem
limits:
  unauthenticatedTime: 20 s
  stanzaBytes: 512 KiB
\`\`\`

Times are written \`500 ms\`, \`30 s\`, \`10 min\`, \`2 h\`, \`1 d\` or as a number of seconds; sizes \`64 KiB\`, \`4 MiB\`, \`1 GiB\` or as a number of
bytes. Paths start at the folder of the file. This page is made from the schema: change that, then run
\`node --conditions=source scripts/docs-config.ts\`.

${section('hosts', hosts)}
${fields('hosts.DOMAIN', host).join('\n')}

${moduleSection(modules)}
${Object.entries(sections)
  .map(([name, schema]) => section(name, schema))
  .join('\n')}`
}

function section(name: string, schema: z.ZodType): string {
  const { type, schema: own } = inner(schema)
  if (type !== 'object') return `## ${name}\n\n${field(name, schema)}\n`
  return `## ${name}\n\n${descriptionOf(schema)}\n\n${fields(name, own).join('\n')}\n`
}

function moduleSection(all: readonly Module[]): string {
  const parts = all.map((module) => {
    const kind = module.isOptIn === true ? 'off unless named' : 'on unless false'
    const xeps = module.xeps === undefined ? '' : `${module.xeps.join(', ')}; `
    const own = module.config === undefined ? [] : fields(module.name, module.config as z.ZodType)
    return `- \`${module.name}\` (${xeps}${kind})${own.map((line) => `\n  ${line}`).join('')}`
  })
  return `## hosts.DOMAIN.modules\n\n${parts.length === 0 ? 'There are none yet.' : parts.join('\n')}\n`
}

function fields(path: string, schema: z.ZodType): string[] {
  return Object.entries((schema as z.ZodObject).shape).flatMap(([name, value]) => {
    const own = inner(value as z.ZodType)
    const here = `${path}.${name}`
    const below = own.type === 'record' ? inner(own.schema.def['valueType'] as z.ZodType) : own
    return below.type === 'object' && isDescribed(below.schema)
      ? [
          `- \`${here}\`: ${descriptionOf(value as z.ZodType)}`,
          ...fields(below === own ? here : `${here}.NAME`, below.schema),
        ]
      : [field(here, value as z.ZodType)]
  })
}

/** Where its fields say nothing, what stands above them says it. */
function isDescribed(schema: z.ZodType): boolean {
  return Object.values((schema as z.ZodObject).shape).every((value) => descriptionOf(value as z.ZodType) !== '')
}

function field(path: string, schema: z.ZodType): string {
  const { kind, written } = inner(schema)
  const start =
    written === undefined || isEmpty(written)
      ? ''
      : `, default \`${typeof written === 'string' ? written : JSON.stringify(written)}\``
  return `- \`${path}\` (${kind}${start}): ${descriptionOf(schema)}`
}

interface Inner {
  readonly schema: z.ZodType & { readonly def: Readonly<Record<string, unknown>> }
  readonly type: string
  /** In words. */
  readonly kind: string
  /** The default, as one would write it. */
  readonly written: unknown
}

/** What is below defaults, optional and transforms. */
function inner(schema: z.ZodType): Inner {
  const def = schema.def as unknown as Readonly<Record<string, unknown>> & { type: string }
  const title = schema.meta()?.title
  const below = (def['innerType'] ?? (def.type === 'pipe' ? def['in'] : undefined)) as z.ZodType | undefined
  if (below === undefined)
    return {
      schema: schema as unknown as Inner['schema'],
      type: def.type,
      kind: title ?? kindOf(def),
      written: undefined,
    }
  const found = inner(below)
  return { ...found, kind: title ?? found.kind, written: def['defaultValue'] ?? found.written }
}

function kindOf(def: Readonly<Record<string, unknown>> & { type: string }): string {
  switch (def.type) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'enum':
      return Object.keys(def['entries'] as object)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')
    case 'array':
      return 'list'
    case 'record':
    case 'object':
      return 'fields'
    default:
      return def.type
  }
}

function descriptionOf(schema: z.ZodType): string {
  const below = (schema.def as unknown as { innerType?: z.ZodType }).innerType
  return schema.description ?? (below === undefined ? '' : descriptionOf(below))
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

if (import.meta.main) writeFileSync(page, configurationPage())
