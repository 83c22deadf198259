import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'

/** The log on standard output: JSON lines, or lines for people. */
export function openLog(config: Config['log'], output: NodeJS.WriteStream): Logger {
  const { level } = config
  if (!isPretty(config, output)) return pino({ level })
  return pino({ level }, { write: (line) => void output.write(pretty(JSON.parse(line) as Event)) })
}

export function isPretty({ format }: Config['log'], output: NodeJS.WriteStream): boolean {
  return format === 'pretty' || (format === 'auto' && output.isTTY)
}

interface Event {
  readonly level: number
  readonly time: number
  readonly msg?: string
  readonly err?: { readonly message: string; readonly stack?: string }
  readonly [field: string]: unknown
}

/** '22:41:07 warn  the message  host=localhost' */
function pretty({ level, time, msg = '', err, pid: _pid, hostname: _hostname, ...fields }: Event): string {
  const clock = new Date(time).toTimeString().slice(0, 8)
  const label = (pino.levels.labels[level] ?? String(level)).padEnd(5)
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  // What a client chose to be called must not move the terminal's cursor.
  const line = `${clock} ${label} ${msg}${rest.join('')}`.replaceAll(/\p{Cc}/gu, '?')
  return `${line}\n${err === undefined ? '' : `${err.stack ?? err.message}\n`}`
}
