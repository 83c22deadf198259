import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { allMetrics, metricsPage, page } from './docs-metrics.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const words = (markdown: string) => markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---').trim()

test('docs/metrics.md says what a server shows: node --conditions=source scripts/docs-metrics.ts && npm run format', async () => {
  expect(words(readFileSync(page, 'utf8'))).toBe(words(await metricsPage()))
})

test('every metric that stands in the sources is there', () => {
  const files = globSync('packages/*/src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  const written = files.flatMap((file) => readFileSync(join(root, file), 'utf8').match(/'jackdaw_\w+'/g) ?? [])
  const documented = readFileSync(page, 'utf8')
  expect(written.filter((name) => !documented.includes(`\`${name.slice(1, -1)}\``))).toEqual([])
  expect(written.length).toBeGreaterThan(50)
})

test('they are named as Prometheus wants it', async () => {
  const own = (await allMetrics()).filter(({ name }) => name.startsWith('jackdaw_'))
  for (const { name, type, help } of own) {
    expect(name, 'a count ends in _total, and nothing else does').toMatch(
      type === 'counter' ? /_total$/ : /(?<!_total)$/,
    )
    if (type === 'histogram') expect(name, 'it has its unit').toMatch(/_(seconds|bytes)$/)
    expect(name).not.toMatch(/milliseconds|_ms$|kilobytes|_count$|_sum$/)
    expect(help, name).toMatch(/^[A-Z0-9]/)
  }
})
