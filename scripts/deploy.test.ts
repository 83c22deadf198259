import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnSync } from 'node:child_process'
import { modules, parseConfig } from '@jackdaw/server'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { allMetrics } from './docs-metrics.ts'

const deploy = fileURLToPath(new URL('../deploy/', import.meta.url))
const read = (name: string) => readFileSync(join(deploy, name), 'utf8')

/** What Prometheus has by then: of histograms, three series each. */
let series: ReadonlySet<string>
beforeAll(async () => {
  const all = await allMetrics()
  series = new Set(
    all.flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
})

/** The metrics of an expression that no server shows. */
const unknown = (expression: string): string[] =>
  [...expression.matchAll(/\b(?:jackdaw|process|nodejs)_\w+/g)]
    .map(([name]) => name)
    .filter((name) => !series.has(name))

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

test('Grafana: every query asks for what is shown, no panel covers another', () => {
  const { panels, templating, annotations } = JSON.parse(read('grafana-dashboard.json')) as {
    panels: readonly Panel[]
    templating: { list: readonly { query: unknown }[] }
    annotations: { list: readonly { expr: string }[] }
  }
  const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  asked.push(...annotations.list.map(({ expr }) => expr), JSON.stringify(templating.list))
  expect(asked.length).toBeGreaterThan(50)
  expect(asked.flatMap(unknown)).toEqual([])
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
})

test('Prometheus: every alert asks for what is shown, and says what it is about', () => {
  const { groups } = parse(read('prometheus-alerts.yaml')) as {
    groups: readonly { rules: readonly { alert: string; expr: string; annotations: { summary: string } }[] }[]
  }
  const rules = groups.flatMap((group) => group.rules)
  expect(rules.flatMap(({ expr }) => unknown(expr))).toEqual([])
  expect(rules.every(({ annotations: { summary } }) => summary.length > 0)).toBe(true)
  const handbook = readFileSync(join(deploy, '../docs/operation.md'), 'utf8')
  expect(rules.map(({ alert }) => alert).filter((name) => !handbook.includes(`\`${name}\``))).toEqual([])
})

test('jackdaw.yaml is sound, and has its data where the unit lets it write', () => {
  const config = parseConfig(read('jackdaw.yaml'), 'jackdaw.yaml', modules)
  expect(config.data).toBe('/var/lib/jackdaw')
  expect(read('jackdaw.service')).toMatch(/^StateDirectory=jackdaw$/m)
})

test('jackdaw.service lets as many files be opened as connections may come by default', () => {
  const files = Number(/^LimitNOFILE=(\d+)$/m.exec(read('jackdaw.service'))![1])
  expect(files).toBeGreaterThan(parseConfig('', 'jackdaw.yaml', modules).limits.connections + 500)
})

test('Dockerfile: what is built is what `npm run release` makes, and does not run as root', () => {
  const lines = read('Dockerfile').split('\n')
  const words = (name: string) => lines.filter((line) => line.startsWith(`${name} `))
  expect(words('RUN').slice(0, 2)).toEqual(['RUN npm ci --no-audit --no-fund', 'RUN npm run release -- /opt/jackdaw'])
  expect(words('COPY').at(-1)).toBe('COPY --from=build /opt/jackdaw /opt/jackdaw')
  expect(words('USER')).toEqual(['USER jackdaw'])
  const ports = words('EXPOSE')[0]!.split(' ').slice(1).map(Number)
  const { listen } = parseConfig('', 'jackdaw.yaml', modules)
  const usual = [listen.xmpp, listen.xmpps, listen.http, listen.https].map((endpoint) => endpoint && endpoint.port)
  expect(ports).toEqual(usual)
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

test.skipIf(!hasSystemd)('systemd (Debian: systemd): the unit is sound, and lets little be done', () => {
  expect(statSync(deploy).isDirectory()).toBe(true)
  const unit = join(deploy, 'jackdaw.service')
  const score = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=15', unit], {
    encoding: 'utf8',
  })
  expect(score.status, score.stdout + score.stderr).toBe(0)
})
