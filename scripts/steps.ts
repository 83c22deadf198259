import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Outcome {
  readonly passed: number
  readonly failed: number
  /** The names of tests that did not run, for want of a peer. */
  readonly skipped: readonly string[]
}

/** What needs no run of our code. */
const statics: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['type check', ['tsc', '-b']],
  ['lint', ['oxlint', '--type-aware']],
  ['format', ['oxfmt', '--check', '.']],
]

export function runStatics(): Outcome {
  const failed = statics.filter(([name, command]) => !run(name, command)).length
  return { passed: statics.length - failed, failed, skipped: [] }
}

/** Runs the tests of a project of vitest.config.ts. */
export function runTests(project: string): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'jackdaw-'))
  const file = join(folder, 'report.json')
  const succeeded = run(`tests: ${project}`, [
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ])
  try {
    return read(file, succeeded)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function sum(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((total, { passed }) => total + passed, 0),
    failed: outcomes.reduce((total, { failed }) => total + failed, 0),
    skipped: outcomes.flatMap(({ skipped }) => skipped),
  }
}

/** Prints what was skipped, and the closing line; sets the exit code. */
export function close({ passed, failed, skipped }: Outcome): void {
  for (const name of skipped) console.log(`skipped: ${name}`)
  console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`)
  process.exitCode = failed > 0 ? 1 : 0
}

function run(name: string, [command, ...args]: readonly string[]): boolean {
  const start = performance.now()
  const { status } = spawnSync(command!, args, { stdio: 'inherit', env: { ...process.env, NO_COLOR: '1' } })
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
  return status === 0
}

interface Report {
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function read(file: string, succeeded: boolean): Outcome {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const count = (status: string) => tests.filter((test) => test.status === status).length
  const skipped = tests
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName)
  // A file that fails to load has no failed test, and an error outside of the tests none either.
  const failed = count('failed') || (succeeded ? 0 : 1)
  return { passed: count('passed'), failed, skipped }
}
