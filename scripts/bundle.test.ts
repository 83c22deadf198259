import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bundle = join(root, 'packages/server/dist/bundle')
const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })

test('what is bundled is the command that the sources are, in ASCII', () => {
  run('scripts/bundle.ts')
  for (const name of globSync('*.js', { cwd: bundle }))
    expect(readFileSync(join(bundle, name), 'utf8'), name).not.toMatch(/[^\0-\x7f]/)
  for (const args of [['--version'], ['user', '--help']])
    expect(run(join(bundle, 'cli.js'), ...args)).toBe(run('--conditions=source', 'packages/server/src/cli.ts', ...args))
})
