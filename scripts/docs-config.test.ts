import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configurationPage, page } from './docs-config.ts'

test('docs/configuration.md says what the schema says: node --conditions=source scripts/docs-config.ts', () => {
  expect(readFileSync(page, 'utf8')).toBe(configurationPage())
})

test('every field of the configuration has its sentence', () => {
  for (const line of configurationPage()
    .split('\n')
    .filter((text) => /^ *- `.*`( \(.*\))?: /.test(text)))
    expect(line).toMatch(/: [A-Z/].*\.$/)
})
