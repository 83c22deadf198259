import { statfs } from 'node:fs/promises'
import type { Finding, Scene } from './finding.ts'
import { existingFolder } from './permissions.ts'

const MiB = 1024 ** 2
const LEAST = 64 * MiB
const LITTLE = 1024 * MiB

/** Whether there is room for data: a full disk holds all messages back. */
export async function disk({ config }: Scene): Promise<Finding[]> {
  const title = 'disk'
  const { bavail, bsize } = await statfs(existingFolder(config.data))
  const free = bavail * bsize
  const room = `${Math.floor(free / MiB)} MiB are free where ${config.data} lies`
  if (free < LEAST)
    return [{ title, level: 'fail', sentence: `Only ${room}: make room, or set another folder under data.` }]
  if (free < LITTLE) return [{ title, level: 'warn', sentence: `Only ${room}: make room soon.` }]
  return [{ title, level: 'ok', sentence: `${room}.` }]
}
