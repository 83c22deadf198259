// Writes docs/metrics.md from what a server with every module shows at /metrics.
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import type * as z from 'zod'
import { modules } from '../packages/server/src/modules/modules.ts'
import { createServer } from '../packages/server/src/server.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const page = join(root, 'docs/metrics.md')

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labels: readonly string[]
}

/** All that there is: what a server with every module shows, and what only some configurations show, as it stands in the sources. */
export async function allMetrics(): Promise<Metric[]> {
  const all = new Map(writtenMetrics().map((metric) => [metric.name, metric]))
  for (const metric of await shownMetrics()) all.set(metric.name, metric)
  return [...all.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Those of modules and of other systems that keep accounts. */
function writtenMetrics(): Metric[] {
  const files = globSync('packages/server/src/{modules,sources}/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts'),
  )
  return files.flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8')
    return [...source.matchAll(declaration)].map(([, type, name, , help]) => ({
      name: name!,
      help: help!,
      type: type!,
      labels: ['host'],
    }))
  })
}

const declaration = /\b(counter|gauge|histogram)s?\(\s*'(jackdaw_\w+)',\s*(['"])(.*?)\3/g

async function shownMetrics(): Promise<Metric[]> {
  const data = mkdtempSync(join(tmpdir(), 'jackdaw-metrics-'))
  const every = Object.fromEntries(
    modules.map(({ name, config }) => [name, config === undefined || (config as z.ZodType).safeParse({}).success]),
  )
  const calls = { services: [{ type: 'stun', host: 'stun.example.org' }] }
  const host = { modules: { ...every, 'external-services': calls } }
  const server = await createServer({ data, hosts: { 'example.org': host } }, { log: pino({ level: 'silent' }) })
  try {
    const { registry } = server.metrics
    const found = await registry.getMetricsAsJSON()
    return found.map(({ name, help, type }) => {
      const { labelNames } = registry.getSingleMetric(name) as unknown as { readonly labelNames: readonly string[] }
      return { name, help, type: String(type), labels: [...labelNames] }
    })
  } finally {
    await server.stop()
    rmSync(data, { recursive: true })
  }
}

export async function metricsPage(): Promise<string> {
  const all = await allMetrics()
  const own = all.filter(({ name }) => name.startsWith('jackdaw_'))
  const ofHosts = own.filter(({ labels }) => labels.includes('host'))
  const ofServer = own.filter(({ labels }) => !labels.includes('host'))
  return `# Metrics

\`/metrics\` of the HTTP ports, in the format of Prometheus, for those whom \`metrics.allow\` names (loopback by default):

\`\`\`yaml
scrape_configs:
  - job_name: jackdaw
    static_configs: [{ targets: ['127.0.0.1:5280'] }]
\`\`\`

Counts begin at 0 with each start. Which of them to look at, and when to wake somebody: [operation](operation.md); a dashboard for Grafana and alerts for Prometheus:
[deploy](../deploy). This page is made from what a server with every module shows: \`node --conditions=source scripts/docs-metrics.ts\`.

## The server

${table(ofServer)}

## Hosts and their modules

Each has the label \`host\`, the domain; those of a module are there where it runs.

${table(ofHosts)}

## The process

Of the library prom-client.

${table(all.filter(({ name }) => !name.startsWith('jackdaw_')))}
`
}

function table(metrics: readonly Metric[]): string {
  const lines = metrics.map(({ name, type, labels, help }) => {
    const named = labels.filter((label) => label !== 'host').map((label) => `\`${label}\``)
    return `| \`${name}\` | ${type} | ${named.join(' ')} | ${help.replace(/\.$/, '')} |`
  })
  return `| name | type | labels | what |\n| --- | --- | --- | --- |\n${lines.join('\n')}`
}

if (import.meta.main) writeFileSync(page, await metricsPage())
