// npm run bench -- [--peers prosody,ejabberd] [--only chat,login-tls] [--runs 3] [--quick] [--json FILE]: docs/benchmarks.md tells the method.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { rows } from './goals.ts'
import { isWanted, measure } from './measure.ts'
import { ejabberd } from './peers/ejabberd.ts'
import { prosody } from './peers/prosody.ts'
import { loadCore } from './processes.ts'
import { type Result, Results, table } from './results.ts'
import { full, quick } from './sizes.ts'
import { stages } from './stages.ts'

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const names = (list: string) => list.split(',').filter((name) => name !== '')
const runs = Number(values.runs || (values.quick ? 1 : 3))
const servers = ['jackdaw', ...names(values.peers)]
const only = names(values.only)
const missing = missingHere(servers) ?? unknownWork(only)
if (missing) {
  console.error(`bench: ${missing}`)
  process.exit(1)
}
// Or V8 collects everything anew whenever connections have taken another 64 MB outside of its heap: at each six hundredth over TLS.
setFlagsFromString('--external-memory-accounted-in-global-limit')
spawnSync('taskset', ['-a', '-p', '-c', String(loadCore), String(process.pid)])

const folder = mkdtempSync(join(tmpdir(), 'jackdaw-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const results = new Results()
const plan = {
  folder,
  servers: [...servers, 'relay'],
  only,
  sizes: values.quick ? quick : full,
  runs,
}
for await (const result of measure(plan)) {
  results.all.push(result)
  console.error(told(result))
}
console.log(table(rows, results, [...servers, 'relay']))
if (values.quick) console.log('\nQuick: there was less of everything than the rows say, and little time to warm up.')
const failures = results.all.filter(({ failure }) => failure !== undefined)
for (const result of failures) console.log(`\n${told(result)}`)
if (failures.length > 0) process.exitCode = 1
const [busy, waiting] = [results.most('load'), results.most('wait')].map((part) => `${Math.round(part * 100)} %`)
console.log(
  `\nThe load was at most ${busy} busy, and waited at most ${waiting} of the time for its processor, which others used.`,
)
if (values.json !== undefined) {
  const { sizes } = plan
  const machine = { processor: cpus()[0]?.model, processors: availableParallelism(), node: process.version }
  const date = new Date().toISOString()
  writeFileSync(values.json, `${JSON.stringify({ date, machine, runs, sizes, results: results.all }, undefined, 1)}\n`)
}

function unknownWork(wanted: readonly string[]): string | undefined {
  const works = [...new Set(stages.flatMap((stage) => stage.works.map(({ name }) => name)))]
  const unknown = wanted.find((name) => !works.some((work) => isWanted(work, [name])))
  return unknown === undefined ? undefined : `there is no work ${unknown}: choose among ${works.join(', ')}`
}

function told({ run, server, work, figures, failure }: Result): string {
  const shown = Object.entries(figures).map(([name, figure]) => `${name} ${figure.toPrecision(3)}`)
  return `run ${run}: ${server}: ${work}: ${failure ?? shown.join(', ')}`
}

/** What prevents the measurement on this machine, in a sentence. */
function missingHere(wanted: readonly string[]): string | undefined {
  const known = ['jackdaw', 'prosody', 'ejabberd']
  const unknown = wanted.find((name) => !known.includes(name))
  if (unknown !== undefined) return `there is no peer ${unknown}: choose among prosody, ejabberd`
  if (cpus().length < 2) return 'the load and the server want a processor each, and this machine has one'
  if (spawnSync('taskset', ['--version']).error) return 'taskset is missing: apt install util-linux'
  for (const { name, needs } of [prosody, ejabberd])
    if (wanted.includes(name) && needs && !existsSync(needs.program))
      return `${name} is not installed: apt install ${needs.package}`
  return undefined
}
