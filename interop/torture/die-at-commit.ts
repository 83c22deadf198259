import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** Moments of a commit: nothing of the batch has been kept; half of it has been written; it is kept, and nobody has been told. */
export const moments = ['before', 'half', 'after'] as const
export type Moment = (typeof moments)[number]

/** Lets this process be killed in the midst of a commit, where chance seldom hits. Returns what makes the next commit the last one. */
export function prepareDeath(): (moment: Moment) => void {
  const write = fs.writeSync as (
    file: number,
    bytes: Buffer,
    offset: number,
    length: number,
    position: number,
  ) => number
  let moment: Moment | undefined
  const die = () => process.kill(process.pid, 'SIGKILL')
  const deadly = (...args: Parameters<typeof write>) => {
    // The journal alone writes at a position.
    if (moment === undefined || typeof args[4] !== 'number') return write(...args)
    const [file, bytes, offset, length, position] = args
    if (moment === 'half') write(file, bytes, offset, Math.ceil(length / 2), position)
    else if (moment === 'after') write(...args)
    die()
    return length
  }
  fs.writeSync = deadly as typeof fs.writeSync
  syncBuiltinESMExports()
  return (chosen) => {
    moment = chosen
  }
}
