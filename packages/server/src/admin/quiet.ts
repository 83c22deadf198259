import { setFlagsFromString } from 'node:v8'
import type { Clock } from '../world.ts'

/** Part of a second below which there is hardly anything to do. */
const little = 0.02
/** Seconds of that, one after the other, after which a process is quiet. What was given back must be taken anew: the first 700 logins after that cost a fifth more. */
const patience = 50
/**
 * Milliseconds after a collection in which V8 does not look whether there is enough to collect once more: more than the patience. With its own eight seconds
 * a server from which all have gone forgets what their objects looked like, and with it how its code is optimized for them: 500 logins then take three times as long.
 */
const look = 60_000

/**
 * Has V8 give back the memory that a busy time needed, once there has been hardly anything to do. By itself it would with its next collections, which
 * then hardly ever come: 5,000 idle sessions kept three times what they take. It collects in steps, some time within a minute; while it is to save memory,
 * work costs a third more, so that ends with the first second of work.
 *
 * @param busy part of the time since it was called last in which the process was at work, 0 … 1
 * @param tell sets a flag of V8
 */
export function saveMemoryWhenQuiet(clock: Clock, busy = busySince(), tell = setFlagsFromString): void {
  // Older ones know no such flag.
  if (Number.parseInt(process.versions.node) < 26) return
  tell(`--memory-reducer-delay-ms=${look}`)
  let quiet = 0
  clock.after(1000, function second() {
    const before = quiet
    quiet = busy() < little ? quiet + 1 : 0
    if (quiet === patience) tell('--memory-saver-mode')
    if (quiet === 0 && before >= patience) tell('--no-memory-saver-mode')
    clock.after(1000, second)
  })
}

function busySince(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
