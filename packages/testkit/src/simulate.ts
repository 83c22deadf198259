import { parseArgs } from 'node:util'
import { simulate } from './simulation/simulation.ts'

const usage = `npm run simulate -- [options]
  --seeds N   how many runs, with the seeds from --from on (1000)
  --from N    the first seed (1)
  --seed N    this one run only
  --steps N   how many things are done in a run (100)
  --trace     what was written on which link, and when (ms), in full; with --seed`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '100' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else {
  const first = Number(values.seed ?? values.from)
  const count = values.seed === undefined ? Number(values.seeds) : 1
  const steps = Number(values.steps)
  const total = { stanzas: 0, heard: 0, crashes: 0 }
  const failed: number[] = []
  const start = performance.now()
  for (let seed = first; seed < first + count; seed++) {
    const run = await simulate({ seed, steps, ...(values.trace && { onTrace: (line) => console.log(line) }) })
    for (const key of ['stanzas', 'heard', 'crashes'] as const) total[key] += run.counts[key]
    if (values.seed !== undefined) console.log(`trace ${run.trace}`)
    if (run.violations.length === 0) continue
    failed.push(seed)
    const [{ rule, what, at }] = run.violations as [(typeof run.violations)[0]]
    console.log(`seed ${seed}: ${run.violations.length} violations; the first at ${at} ms: ${rule}: ${what}`)
    if (values.seed !== undefined)
      for (const other of run.violations.slice(1)) console.log(`  ${other.rule}: ${other.what}`)
    else console.log(`  npm run simulate -- --seed ${seed}${steps === 100 ? '' : ` --steps ${steps}`} --trace`)
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(
    `${count} runs in ${seconds} s: ${total.stanzas} stanzas handled, ${total.heard} messages heard, ${total.crashes} crashes; ${failed.length} runs failed`,
  )
  process.exitCode = failed.length > 0 ? 1 : 0
}
