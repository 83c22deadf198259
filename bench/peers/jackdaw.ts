import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { listening, Measured } from '../processes.ts'
import type { StartPeer } from './peer.ts'

/** Jackdaw, from these sources, with its journal and a certificate like the others'. */
export const startJackdaw: StartPeer = async (options) => {
  const port = 25_222
  const tlsPort = 25_223
  mkdirSync(options.data, { recursive: true })
  const script = join(import.meta.dirname, 'jackdaw-process.ts')
  const args = ['--conditions=source', script, JSON.stringify({ ...options, port, tlsPort })]
  const process = new Measured(options.core, globalThis.process.execPath, args)
  await listening(port, process)
  return { process, port, tlsPort }
}
