import { parseArgs } from 'node:util'
import { tortureUploads } from './torture.ts'

const usage = `npm run torture:upload -- [options]
  --kills N     how often the server is killed while files come, and as often while they are removed (4)
  --parallel N  files at once (100)
  --size N      MiB of each (100)
  --seed N      for all that is random (the time, and printed)`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '4' },
    parallel: { type: 'string', default: '100' },
    size: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else {
  const { kills, parallel, size, seed } = values
  console.log(`upload torture: ${kills} kills, ${parallel} files of ${size} MiB at once, seed ${seed}`)
  const run = await tortureUploads({
    kills: Number(kills),
    parallel: Number(parallel),
    size: Number(size) * 2 ** 20,
    seed: Number(seed),
    onRound: (round, how) => process.stderr.isTTY && process.stderr.write(`\r\x1b[Kkill ${round}, ${how}`),
  })
  const rows = {
    run: `${run.seconds.toFixed(0)} s`,
    'files put / acknowledged / broken off': `${run.put} / ${run.acknowledged} / ${run.broken}`,
    'kept when the server died before it said so': run.unheard,
    removed: run.removed,
    'bytes sent': `${(run.bytes / 2 ** 30).toFixed(1)} GiB`,
    'server memory before / at most': `${run.memory.before.toFixed(0)} / ${run.memory.most.toFixed(0)} MiB`,
    'errors in the log': run.errors.length,
    violations: run.violations.length,
  }
  const width = Math.max(...Object.keys(rows).map((name) => name.length))
  for (const [name, value] of Object.entries(rows)) console.log(`${name.padEnd(width)}  ${value}`)
  for (const line of [...run.violations, ...run.errors].slice(0, 20)) console.log(`  ${line}`)
  const isClean = run.violations.length === 0 && run.errors.length === 0
  console.log(isClean ? 'No orphan, no wrong sum, nothing lost.' : 'VIOLATED')
  process.exitCode = isClean ? 0 : 1
}
