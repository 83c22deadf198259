import { defineConfig } from 'vitest/config'

const resolve = { conditions: ['source'] }
const ssr = { resolve }
/** Real processes, kills and databases that take their time: no unit tests, though they stand beside what they test. */
const slow = [
  'packages/server/src/cli.test.ts',
  'packages/server/src/modules/muc/many.test.ts',
  'packages/server/src/storage/sqlite.test.ts',
  'packages/server/src/storage/sqlite-recovery.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: slow,
          pool: 'threads',
          isolate: false,
          maxWorkers: '100%',
          testTimeout: 120_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'interop',
          include: ['interop/**/*.test.ts', 'bench/**/*.test.ts', ...slow],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          pool: 'forks',
          fileParallelism: false,
        },
      },
    ],
  },
})
