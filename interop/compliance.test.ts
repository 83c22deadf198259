import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compliancePage, doap, doapFile, page, supported } from '../scripts/docs-compliance.ts'

const words = (markdown: string) => markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---').trim()

test('docs/compliance.md says what modules declare: node --conditions=source scripts/docs-compliance.ts && npm run format', async () => {
  expect(words(readFileSync(page, 'utf8'))).toBe(words(await compliancePage()))
})

test('docs/jackdaw.doap says what modules declare: node --conditions=source scripts/docs-compliance.ts', () => {
  expect(readFileSync(doap, 'utf8')).toBe(doapFile())
})

test('every extension that is declared has a test that cites it', () => {
  const undone = supported().filter(({ tests }) => tests.length === 0 || !tests.every((file) => existsSync(file)))
  expect(undone.map(({ spec, modules }) => `${spec} of ${modules.join(', ')}`)).toEqual([])
})
