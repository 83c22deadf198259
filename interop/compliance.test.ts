import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ofNote, suites } from '../scripts/compliance-suites.ts'
import { compliancePage, doap, doapFile, isHeld, isThere, page, supported } from '../scripts/docs-compliance.ts'

const done = supported()
const words = (markdown: string) => markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---').trim()

test('docs/compliance.md says what modules declare: node --conditions=source scripts/docs-compliance.ts && npm run format', async () => {
  expect(words(readFileSync(page, 'utf8'))).toBe(words(await compliancePage()))
})

test('docs/jackdaw.doap says what modules declare: node --conditions=source scripts/docs-compliance.ts', () => {
  expect(readFileSync(doap, 'utf8')).toBe(doapFile())
})

test('every extension that is declared has a test that cites it', () => {
  const undone = done.filter(({ tests }) => tests.length === 0 || !tests.every((file) => existsSync(file)))
  expect(undone.map(({ spec, modules }) => `${spec} of ${modules.join(', ')}`)).toEqual([])
})

const rows = suites.flatMap(([category, all]) => all.map((row) => [`${category}: ${row.feature}`, row] as const))

test.each(rows)('XEP-0479 §2, advanced server: %s', (_, row) => {
  if (row.needed[1] === 'yes') expect(isHeld(row, done)).toBe(true)
  expect(
    Object.values(row.specs)
      .flat()
      .filter((proof) => !isThere(proof)),
  ).toEqual([])
})

test('XEP-0479 §2, §3: of what is only named there it is said whether it is here', () => {
  expect(ofNote.filter(([spec, what]) => what === '' && !done.some((one) => one.spec === spec))).toEqual([])
})

test('a proof that is gone, or put off, is noticed', () => {
  const file = 'interop/compliance.test.ts'
  expect(isThere([file, 'a proof that is gone, or put off, is noticed'])).toBe(true)
  expect(isThere([file, 'a proof that never was'.toUpperCase()])).toBe(false)
  expect(isThere(['interop/nowhere.test.ts', 'a proof'])).toBe(false)
})
