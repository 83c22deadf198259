import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

/** Runs install.mjs in an empty clone, with an npm that only writes down how it was called. */
function install(environment: Record<string, string>, exitCode = 0) {
  const root = mkdtempSync(join(tmpdir(), 'jackdaw install-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const called = join(root, 'called.json')
  const npm = join(root, 'npm.mjs')
  mkdirSync(join(root, 'scripts'))
  copyFileSync(fileURLToPath(new URL('install.mjs', import.meta.url)), join(root, 'scripts/install.mjs'))
  writeFileSync(join(root, 'package-lock.json'), '{}')
  writeFileSync(
    npm,
    `import { writeFileSync } from 'node:fs'
     const { npm_config_cache: cache } = process.env
     writeFileSync(${JSON.stringify(called)}, JSON.stringify({ words: process.argv.slice(2), cache }))
     process.exit(${exitCode})`,
  )
  const { npm_config_cache: _, ...env } = process.env
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/install.mjs')], {
    env: { ...env, npm_execpath: npm, ...environment },
    encoding: 'utf8',
  })
  return { root, status, stderr, ...(JSON.parse(readFileSync(called, 'utf8')) as { words: string[]; cache?: string }) }
}

test('npm keeps what it downloads where it always does', () => {
  const home = mkdtempSync(join(tmpdir(), 'jackdaw home-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const { status, words, cache } = install({ HOME: home, USERPROFILE: home })
  expect([status, words[0], cache]).toEqual([0, 'ci', undefined])
})

test('a user without a home installs all the same, and nothing stays behind', () => {
  const { status, cache } = install({ HOME: '/dev/null/home', USERPROFILE: '/dev/null/home' })
  expect(status).toBe(0)
  expect(cache).toContain('jackdaw-npm-')
  expect(existsSync(cache!)).toBe(false)
})

test('an install that fails is said, and ends with its exit code', () => {
  const { root, status, stderr } = install({}, 7)
  expect(status).toBe(7)
  expect(stderr).toContain(`jackdaw: the packages could not be installed in ${root}`)
})
