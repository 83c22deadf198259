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
