import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventsPage, page } from './docs-events.ts'

test('docs/events.md says what the schemas say: node --conditions=source scripts/docs-events.ts', () => {
  const written = readFileSync(page, 'utf8')
  expect(written).toBe(eventsPage(written))
})
