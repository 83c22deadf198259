import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Random } from './world.ts'

const size = 32

/** A secret in a file that only its user can read; made when there is none. */
export function secretFile(path: string, random: Random): Uint8Array {
  try {
    const secret = readFileSync(path)
    if (secret.length === size) return secret
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secret = random.bytes(size)
  writeFileSync(`${path}.new`, secret, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  return secret
}
