import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding, Scene } from './finding.ts'

/** This source was written then: no clock that is right shows an earlier time. */
const WRITTEN = Date.UTC(2026, 0, 1)
/** More than clocks of file servers differ. */
const TOLERANCE = 60_000

/** Whether the clock can be right: archives and certificates depend on it. */
export async function clock({ config, clock: { now } }: Scene): Promise<Finding[]> {
  const title = 'clock'
  const time = new Date(now()).toISOString()
  if (now() < WRITTEN)
    return [{ title, level: 'fail', sentence: `It shows ${time}, which has passed: set it, best by NTP.` }]
  const newest = await newestChange(config.data)
  if (newest > now() + TOLERANCE) {
    return [
      {
        title,
        level: 'fail',
        sentence: `It shows ${time}, but data was written at ${new Date(newest).toISOString()}: the clock was or is wrong; set it, best by NTP.`,
      },
    ]
  }
  return [{ title, level: 'ok', sentence: `It shows ${time}.` }]
}

async function newestChange(folder: string): Promise<number> {
  let newest = 0
  for (const entry of await readdir(folder, { recursive: true }).catch(() => [])) {
    const found = await stat(join(folder, entry)).catch(() => undefined)
    newest = Math.max(newest, found?.mtimeMs ?? 0)
  }
  return newest
}
