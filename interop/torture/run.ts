import { parseArgs } from 'node:util'
import { check } from './checker.ts'
import { report } from './report.ts'
import { torture } from './torture.ts'

const usage = `npm run torture -- [options]
  --kills N       how often the server is killed (100); 0 with --seconds measures it at work
  --sessions N    clients (200)
  --rate N        messages a second of all together (500)
  --seed N        for all that is random (the time, and printed)
  --seconds N     how long messages are sent before the first kill (0)
  --no-losses     connections are lost by kills only
  --no-journal    the server keeps everything in memory: losses must be found
  --without NAME  a module that does not run; may be repeated`

const { values } = parseArgs({
  allowNegative: true,
  options: {
    kills: { type: 'string', default: '100' },
    sessions: { type: 'string', default: '200' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    seconds: { type: 'string', default: '0' },
    losses: { type: 'boolean', default: true },
    journal: { type: 'boolean', default: true },
    without: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else {
  const kills = Number(values.kills)
  console.log(`torture: ${kills} kills, ${values.sessions} sessions, ${values.rate} messages/s, seed ${values.seed}`)
  const isShown = process.stderr.isTTY
  const run = await torture({
    kills,
    sessions: Number(values.sessions),
    rate: Number(values.rate),
    seed: Number(values.seed),
    seconds: Number(values.seconds),
    losses: values.losses,
    journal: values.journal,
    modules: Object.fromEntries(values.without.map((name) => [name, false])),
    onKill: (kill, how) => {
      if (isShown) process.stderr.write(`\r\x1b[Kkill ${kill}, ${how}`)
      if (isShown && kill === kills) process.stderr.write('\r\x1b[K')
    },
  })
  const verdict = check(run.events)
  console.log(report(run, verdict, kills === 0))
  process.exitCode = verdict.violations.length > 0 || run.errors.length > 0 ? 1 : 0
}
