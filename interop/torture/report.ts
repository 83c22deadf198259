import { type Promised, promises, type Verdict } from './checker.ts'
import type { TortureRun } from './torture.ts'

/** The verdict as a table and a closing line. */
export function report(
  { seconds, cpu, memory, starts, torn, errors }: TortureRun,
  verdict: Verdict,
  isMeasured: boolean,
): string {
  const { counts, violations, lost, recoveries } = verdict
  const rows: [string, string][] = [
    ['run', `${seconds.toFixed(0)} s`],
    ['kills', String(verdict.kills)],
    ['connections lost by a kill / cut / silently', `${lost.lost} / ${lost.cut} / ${lost.silent}`],
    ['resumed', `${verdict.resumed}, over another transport ${verdict.switched}`],
    ['messages sent / acknowledged / received', `${verdict.sent} / ${verdict.acknowledged} / ${verdict.received}`],
    ['copies for other resources / archived messages read', `${verdict.copied} / ${verdict.archived}`],
    ['said in rooms and at nodes / heard', `${verdict.said} / ${verdict.heard}`],
    [
      'taken back of messages / changes of lists / readings',
      `${verdict.retracted} / ${verdict.changed} / ${verdict.readings}`,
    ],
    ['presence broadcast / seen', `${verdict.announced} / ${verdict.presences}`],
  ]
  if (recoveries.length > 0) {
    const uncut = `(of ${recoveries.length} that no other kill cut short)`
    rows.push(['recovery, from the kill until all are back', `${spread(recoveries)} ${uncut}`])
    rows.push(['of this, until the new process listens', spread(starts)])
    rows.push(['half written ends of the journal cut off', String(torn)])
  }
  if (isMeasured) {
    rows.push(['server CPU per message', `${((cpu * 1000) / verdict.sent).toFixed(0)} µs`])
    rows.push(['server memory', `${memory.toFixed(0)} MiB`])
  }
  for (const promise of Object.keys(promises) as Promised[]) rows.push([promises[promise], String(counts[promise])])
  rows.push(['errors in the log', String(errors.length)])
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
  for (const { at, what, promise } of violations.slice(0, 20))
    lines.push(`  at ${at.toFixed(0)} ms, ${promise}: ${what}`)
  for (const error of errors.slice(0, 5)) lines.push(`  log: ${error.slice(0, 1000)}`)
  const clean = violations.length === 0 && errors.length === 0
  lines.push(
    clean ? 'Nothing was lost, doubled or disturbed.' : `VIOLATED: ${violations.length + errors.length} times.`,
  )
  return lines.join('\n')
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  return `median ${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)} ms, longest ${sorted.at(-1)!.toFixed(0)} ms`
}
