import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listening, Measured } from '../processes.ts'
import { filled } from './filled.ts'
import type { StartPeer } from './peer.ts'
import { register } from './register.ts'

const features = `  mod_mam: { default: always }
  mod_carboncopy: {}
  mod_stream_mgmt: {}
`

/** ejabberd, Debian's package, started as its control script does. */
export const startEjabberd: StartPeer = async ({ data, key, cert, core, hasFeatures, accounts }) => {
  const port = 25_422
  const tlsPort = 25_423
  mkdirSync(data, { recursive: true })
  const pem = join(data, 'localhost.pem')
  writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
  const template = readFileSync(join(import.meta.dirname, 'ejabberd.yml.in'), 'utf8')
  const config = join(data, 'ejabberd.yml')
  writeFileSync(config, filled(template, { pem, port, tlsPort, features: hasFeatures ? features : '' }))
  const process = new Measured(
    core,
    'erl',
    [
      ...['+K', 'true', '+P', '250000', '-noinput', '-sname', 'jackdaw-bench@localhost', '-setcookie', 'bench'],
      ...['-mnesia', 'dir', `"${join(data, 'mnesia')}"`, '-ejabberd', 'config', `"${config}"`],
      ...['-ejabberd', 'log_path', `"${join(data, 'ejabberd.log')}"`, '-s', 'ejabberd'],
    ],
    {
      ERL_LIBS: '/usr/lib/x86_64-linux-gnu',
      HOME: data,
      EJABBERD_CONFIG_PATH: config,
      EJABBERD_LOG_PATH: join(data, 'ejabberd.log'),
    },
  )
  await listening(port, process)
  await register(port, accounts)
  return { process, port, tlsPort }
}
