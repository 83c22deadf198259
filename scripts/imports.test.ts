import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What a package may import of the others. */
const packages: Readonly<Record<string, readonly string[]>> = {
  xmpp: [],
  server: ['xmpp'],
  testkit: ['server', 'xmpp'],
}

/**
 * What a room of the server may import of the others; a stanza goes transport → stream → session → router → modules. `types` may be
 * imported as types only: contracts that rooms fulfil for one another.
 */
const rooms: Readonly<Record<string, { readonly values: readonly string[]; readonly types?: readonly string[] }>> = {
  world: { values: [] },
  journal: { values: ['world'] },
  storage: { values: ['journal', 'world'] },
  transport: { values: ['address', 'node-http', 'when', 'world'] },
  stream: { values: ['address', 'when', 'world'], types: ['journal', 'transport'] },
  session: { values: ['journal', 'when', 'world'], types: ['module', 'storage', 'stream'] },
  endpoint: { values: [], types: ['world'] },
  module: { values: [], types: ['endpoint', 'storage', 'stream', 'world'] },
  router: { values: ['module', 'when'], types: ['session', 'storage', 'stream', 'world'] },
  ports: { values: ['address', 'router', 'stream'], types: ['journal', 'transport', 'world'] },
  outbound: { values: ['address', 'config', 'node-http'], types: ['world'] },
  modules: { values: ['address', 'config', 'module', 'outbound', 'storage', 'when'], types: ['stream', 'world'] },
  config: { values: ['address', 'config'], types: ['module', 'transport'] },
  bearer: { values: ['config'], types: ['module', 'world'] },
  sources: { values: ['config', 'node-http'], types: ['module', 'world'] },
  address: { values: [] },
  when: { values: [], types: ['world'] },
  metrics: { values: [], types: ['module'] },
}

const imports = /^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm

function importsOf(file: string): { readonly target: string; readonly isType: boolean }[] {
  return [...readFileSync(file, 'utf8').matchAll(imports)].map((match) => ({
    target: (match[2] ?? match[3])!,
    isType: match[1] !== undefined,
  }))
}

function sources(name: string): string[] {
  return globSync(`packages/${name}/src/**/*.ts`, { cwd: root }).filter(
    (file) => !/\.test\.ts$|suite\.ts$|fixture\.ts$/.test(file),
  )
}

test.each(Object.keys(packages))('packages/%s imports only what lies below it', (name) => {
  const wrong = sources(name).flatMap((file) =>
    importsOf(join(root, file))
      .filter(({ target }) => target.startsWith('@jackdaw/') && !packages[name]!.includes(target.split('/')[1]!))
      .map(({ target }) => `${file} imports ${target}`),
  )
  expect(wrong).toEqual([])
})

test('packages/xmpp imports nothing of any runtime', () => {
  const wrong = sources('xmpp').flatMap((file) =>
    importsOf(join(root, file))
      .filter(({ target }) => !target.startsWith('.') && target !== 'tr46')
      .map(({ target }) => `${file} imports ${target}`),
  )
  expect(wrong).toEqual([])
})

test.each(Object.keys(rooms))('the room %s of the server imports only what lies below it', (room) => {
  const { values, types = [] } = rooms[room]!
  const home = join(root, 'packages/server/src')
  const wrong = sources('server')
    .filter((file) => roomOf(home, join(root, file)) === room)
    .flatMap((file) =>
      importsOf(join(root, file))
        .filter(({ target }) => target.startsWith('.'))
        .map(({ target, isType }) => ({ to: roomOf(home, join(root, dirname(file), target)), isType }))
        .filter(({ to, isType }) => to !== room && !values.includes(to) && !(isType && types.includes(to)))
        .map(({ to }) => `${file} imports from ${to}`),
    )
  expect(wrong).toEqual([])
})

/** The folder below `src`, or the name of a file there. */
function roomOf(home: string, file: string): string {
  return relative(home, file).split('/')[0]!.replace(/\.ts$/, '')
}
