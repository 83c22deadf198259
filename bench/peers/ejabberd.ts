import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Command, ServerProcess } from '../processes.ts'
import { keysOf } from './accounts.ts'
import { filled } from './filled.ts'
import type { Kind, Setting } from './peer.ts'

const features = `  mod_mam: { default: always }
  mod_carboncopy: {}
  mod_stream_mgmt: {}
`

const pep = `  mod_caps: {}
  mod_pubsub: { plugins: [flat, pep] }
`

/**
 * ejabberd, Debian's package, started as its control script does, but without the network of Erlang nodes, and without waiting busily, which
 * costs it a tenth of its processor time.
 */
export const ejabberd: Kind = {
  name: 'ejabberd',
  needs: { program: '/usr/sbin/ejabberdctl', package: 'ejabberd' },
  async prepare(setting) {
    // Made by a process of its own: the one that is measured is not to hold what that leaves behind.
    const made = join(dirname(setting.data), `ejabberd-with-${setting.accounts}`)
    if (!existsSync(made)) {
      mkdirSync(made)
      await makeAccounts(made, setting)
    }
    cpSync(join(made, 'mnesia'), join(setting.data, 'mnesia'), { recursive: true })
    return command(setting.data, setting)
  },
}

function command(data: string, { key, cert, port, tlsPort, hasFeatures, extra }: Setting, ...more: string[]): Command {
  const pem = join(data, 'localhost.pem')
  writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
  const template = readFileSync(join(import.meta.dirname, 'ejabberd.yml.in'), 'utf8')
  const config = join(data, 'ejabberd.yml')
  writeFileSync(
    config,
    filled(template, {
      pem,
      port,
      tlsPort,
      features: (hasFeatures ? features : '') + (extra === 'pep' ? pep : ''),
      archives: String(hasFeatures),
    }),
  )
  return {
    file: 'erl',
    args: [
      ...[
        '+K',
        'true',
        '+P',
        '250000',
        '+sbwt',
        'none',
        '+sbwtdcpu',
        'none',
        '+sbwtdio',
        'none',
        '-noinput',
        '-mnesia',
        'dir',
        `"${join(data, 'mnesia')}"`,
      ],
      ...['-s', 'ejabberd', ...more],
    ],
    environment: {
      ERL_LIBS: '/usr/lib/x86_64-linux-gnu',
      HOME: data,
      EJABBERD_CONFIG_PATH: config,
      EJABBERD_LOG_PATH: join(data, 'ejabberd.log'),
    },
  }
}

async function makeAccounts(data: string, setting: Setting): Promise<void> {
  const { salt, iterations, storedKey, serverKey } = keysOf('sha1')
  const binary = (bytes: Buffer) => `<<"${bytes.toString('base64')}">>`
  const keys = `{scram, ${binary(storedKey)}, ${binary(serverKey)}, ${binary(salt)}, sha, ${iterations}}`
  const set = `ejabberd_auth_mnesia:set_password(<<"u", (integer_to_binary(I))/binary>>, <<"localhost">>, ${keys})`
  const work = `[${set} || I <- lists:seq(0, ${setting.accounts - 1})], init:stop().`
  await new ServerProcess(command(data, setting, '-eval', work)).ended
}
