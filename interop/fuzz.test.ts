import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

test('RFC 6120 §11: the parser agrees with saxes on ten seconds of mutated documents', () => {
  const root = dirname(import.meta.dirname)
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--conditions=source', join(root, 'packages/xmpp/fuzz/parser.ts'), '--seconds', '10'],
    { encoding: 'utf8' },
  )
  expect(status, stdout).toBe(0)
  expect(stdout).toMatch(/\d{4,} documents/)
})

test('RFC 6120 §8.3.3.6: 100,000 stanzas for all that is answered, with forms: none is a fault of the server', () => {
  const root = dirname(import.meta.dirname)
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--conditions=source', join(root, 'interop/stanzas/fuzz.ts'), '--count', '100000'],
    { encoding: 'utf8' },
  )
  expect(status, stdout).toBe(0)
  expect(stdout).toMatch(/^100000 stanzas of \d{2,} kinds/)
}, 600_000)

test('RFC 6120 §8.3.3.6: the same said by a component', () => {
  const root = dirname(import.meta.dirname)
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--conditions=source', join(root, 'interop/stanzas/fuzz.ts'), '--count', '20000', '--as', 'component'],
    { encoding: 'utf8' },
  )
  expect(status, stdout).toBe(0)
  expect(stdout).toMatch(/^20000 stanzas of \d{2,} kinds/)
}, 600_000)
