// npm run release -- FOLDER: what a machine needs to run Jackdaw, and nothing else: what was built and bundled, and the packages that it uses, as package-lock.json
// has them, with the Node that it runs on. The folder may then be moved or copied to another machine of the same kind.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

interface Locked {
  readonly link?: boolean
  readonly resolved?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The places of all packages that are used by the one at that place, itself among them, as far as they are installed here. */
function used(place: string, packages: Readonly<Record<string, Locked>>, found = new Set<string>()): Set<string> {
  if (found.has(place) || !existsSync(join(root, place))) return found
  found.add(place)
  const { dependencies, optionalDependencies } = packages[place]!
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    let at = place
    while (!packages[join(at, 'node_modules', name)] && at !== '') at = dirname(at) === '.' ? '' : dirname(at)
    const there = join(at, 'node_modules', name)
    const { link, resolved } = packages[there] ?? {}
    if (packages[there]) used(link ? resolved! : there, packages, found)
  }
  return found
}

export async function release(folder: string): Promise<void> {
  const to = (...names: string[]) => join(folder, ...names)
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`${folder} is not empty: name another folder`)
  if (!existsSync(join(root, 'packages/server/dist/cli.js'))) throw new Error('nothing has been built: npm run build')
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  // The root's own are the Node of each kind of machine; one of them is installed.
  const places = new Set([...used('packages/server', packages), ...nodes(packages)])
  mkdirSync(to('node_modules', '.bin'), { recursive: true })
  for (const place of places) {
    if (place.startsWith('node_modules/')) cpSync(join(root, place), to(place), { recursive: true })
    else {
      for (const name of ['package.json', 'dist'])
        cpSync(join(root, place, name), to(place, name), {
          recursive: true,
          filter: (file) => !file.endsWith('.tsbuildinfo') && !file.endsWith('/dist/bundle'),
        })
      const { name } = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8')) as { name: string }
      mkdirSync(dirname(to('node_modules', name)), { recursive: true })
      symlinkSync(relative(dirname(to('node_modules', name)), to(place)), to('node_modules', name))
    }
    const node = place.startsWith('node_modules/') ? packages[place]!.bin?.['node'] : undefined
    if (node !== undefined) symlinkSync(join('..', relative('node_modules', place), node), to('node_modules/.bin/node'))
  }
  // Made anew: in that of a checkout are parts of older ones.
  await bundle(to('packages/server/dist/bundle'))
  for (const name of ['deploy', 'docs', 'LICENSE', 'CHANGELOG.md'])
    cpSync(join(root, name), to(name), { recursive: true })
  mkdirSync(to('bin'))
  writeFileSync(to('bin/jackdaw'), launcher)
  chmodSync(to('bin/jackdaw'), 0o755)
}

function nodes(packages: Readonly<Record<string, Locked>>): string[] {
  return Object.keys(packages['']!.optionalDependencies ?? {})
    .map((name) => `node_modules/${name}`)
    .filter((place) => existsSync(join(root, place)))
}

/** Where npm has no Node for the machine, its own runs. */
const launcher = `#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
node=$root/node_modules/.bin/node
[ -x "$node" ] || node=node
exec "$node" "$root/packages/server/dist/bundle/cli.js" "$@"
`

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) {
    console.error('npm run release -- FOLDER')
    process.exit(1)
  }
  try {
    await release(resolve(folder))
    console.log(`Jackdaw is in ${resolve(folder)}: ${resolve(folder)}/bin/jackdaw start`)
  } catch (error) {
    console.error(`jackdaw: ${(error as Error).message}`)
    process.exit(1)
  }
}
