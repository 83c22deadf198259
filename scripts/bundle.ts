// What `jackdaw` runs: the command with all packages that it uses, in a few files. Of hundreds of modules Node resolves, reads and links each by
// itself, which takes half of a start's time and a seventh of the memory that it has then.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const server = join(root, 'packages/server')

/** Writes it into that folder, and leaves what else is there. */
export async function bundle(dir: string): Promise<void> {
  await build({
    cwd: root,
    input: {
      cli: join(server, 'src/cli.ts'),
      // A thread begins with a file of its own.
      'sqlite-worker': join(server, 'src/storage/sqlite-worker.ts'),
    },
    platform: 'node',
    resolve: { conditionNames: ['source', 'node', 'import', 'default'] },
    // ws looks for them, and does without.
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'warn',
    output: {
      dir,
      // A server that runs meanwhile may still load what it was made with.
      chunkFileNames: '[name]-[hash].js',
      comments: { legal: true, annotation: false, jsdoc: false },
      plugins: [ascii()],
    },
  })
}

/** With a single other character Node holds a whole file with two bytes for each. */
function ascii(): Plugin {
  return {
    name: 'ascii',
    generateBundle(_, files) {
      for (const file of Object.values(files)) {
        if (file.type !== 'chunk') continue
        if (/String\.raw`[^`]*[^\0-\x7f]/.test(file.code)) this.error(`${file.fileName}: a raw text cannot be escaped`)
        file.code = file.code.replaceAll(
          /[^\0-\x7f]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        )
      }
    },
  }
}

if (import.meta.main) await bundle(join(server, 'dist/bundle'))
