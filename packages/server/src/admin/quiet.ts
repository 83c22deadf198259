import { setFlagsFromString } from 'node:v8'
import type { Clock } from '../world.ts'

/** Part of a second below which there is hardly anything to do. */
const little = 0.02
/** Seconds of that, one after the other, after which a process is quiet. */
const patience = 10

/**
 * Has V8 give back, while the process is quiet, the memory that a busy time needed. By itself it would with its next collection, which then hardly ever
 * comes: 5,000 idle sessions kept three times what they take. Saving makes work a third dearer, and ends with the first second that has some.
 *
 * @param busy part of the time since it was called last in which the process was at work, 0 … 1
 * @param tell sets a flag of V8; one that this V8 does not know changes nothing
 */
export function saveMemoryWhenQuiet(clock: Clock, busy = busySince(), tell = setFlagsFromString): void {
  let quiet = 0
  clock.after(1000, function second() {
    const before = quiet
    quiet = busy() < little ? quiet + 1 : 0
    if (quiet === patience) tell('--memory-saver-mode')
    else if (quiet === 0 && before >= patience) tell('--no-memory-saver-mode')
    clock.after(1000, second)
  })
}

function busySince(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const { utilization } = performance.eventLoopUtilization(last)
    last = performance.eventLoopUtilization()
    return utilization
  }
}
