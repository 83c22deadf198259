import type { Work } from './work.ts'

/** `time`: milliseconds from the start of the process until its port answers; `memory`: megabytes that it holds then. */
export function start(name: string): Work {
  return {
    name,
    run: async ({ started: { time, memory } }) => ({ time, memory: memory / 1e6 }),
  }
}
