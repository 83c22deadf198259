import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listening, Measured } from '../processes.ts'
import { filled } from './filled.ts'
import type { StartPeer } from './peer.ts'
import { register } from './register.ts'

/** Prosody, Debian's package. */
export const startProsody: StartPeer = async ({ data, key, cert, core, hasFeatures, accounts }) => {
  const port = 25_322
  const tlsPort = 25_323
  mkdirSync(data, { recursive: true })
  const features = hasFeatures ? '"mam", "carbons", "smacks"' : ''
  const template = readFileSync(join(import.meta.dirname, 'prosody.cfg.lua.in'), 'utf8')
  const config = join(data, 'prosody.cfg.lua')
  writeFileSync(config, filled(template, { data, key, cert, port, tlsPort, features }))
  const process = new Measured(core, 'prosody', ['-F', '--config', config])
  await listening(port, process)
  await register(port, accounts)
  return { process, port, tlsPort }
}
