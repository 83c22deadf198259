import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { readConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { hasComponents } from '../config/components.ts'
import { modules } from '../modules/modules.ts'
import { createServer } from '../server.ts'
import { systemClock } from '../world.ts'
import type { Listener } from './commands.ts'
import { listenForControl } from './control-server.ts'
import { describeFailure } from './failure.ts'
import { firstInvitation } from './invite.ts'
import { isPretty, openLog } from './log.ts'
import { saveMemoryWhenQuiet } from './quiet.ts'

/** npm passes a Ctrl-C on that the terminal has sent to all of them: the second one within this time (ms) is the same one. */
const SAME_SIGNAL = 500

/** Runs a server in this process until it is told to stop. */
export async function start(file: string | undefined): Promise<void> {
  // Or V8 collects everything anew whenever connections have taken another 64 MB outside of its heap: at each six hundredth over TLS.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  // Most of a login is called once for each: with V8's 3,000 calls before it optimizes, the first fifteen thousand logins cost a quarter more.
  setFlagsFromString('--invocation-count-for-turbofan=500')
  saveMemoryWhenQuiet(systemClock)
  const config = readConfig(file, modules)
  const log = openLog(config.log, process.stdout)
  // Or one request's fault, in a promise that nobody awaits, ends the sessions of all.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise that nobody awaited was rejected'))
  const server = await createServer(config, { log })
  let listening: readonly Listener[]
  let invitation: string | undefined
  let closeControl: () => void
  let stopping: number | undefined
  let turn: Promise<unknown> = Promise.resolve()
  try {
    listening = await server.start()
    invitation = await firstInvitation(server.hosts)
    await server.kept()
    closeControl = await listenForControl({
      data: config.data,
      server: {
        hosts: server.hosts,
        listening,
        reload,
        stop,
        kept: () => server.kept(),
        get trouble() {
          return server.trouble
        },
      },
      onError: tell,
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping === undefined) stop()
      else if (performance.now() - stopping > SAME_SIGNAL) process.exit(1)
    })
  }
  process.on('SIGHUP', () => {
    reload().then((notices) => notices.forEach(tell), tell)
  })
  if (isPretty(config.log, process.stdout)) process.stdout.write(greeting(listening, config, file, invitation))
  else
    log.info(
      {
        listening,
        hosts: Object.keys(config.hosts),
        data: config.data,
        ...(invitation !== undefined && { invitation }),
      },
      `listening; new account: ${newAccount(config, file)}`,
    )

  /** One after another. */
  function reload(): Promise<readonly string[]> {
    const done = turn.then(async () => {
      const next = readConfig(file, modules)
      await server.reload(next)
      return waiting(config, next)
    })
    turn = done.catch(() => undefined)
    return done
  }

  function stop(): void {
    if (stopping !== undefined) return
    stopping = performance.now()
    server.stop().then(
      () => {
        closeControl()
        process.exit(0)
      },
      (error: unknown) => {
        tell(error)
        process.exit(1)
      },
    )
  }
}

function tell(trouble: unknown): void {
  process.stderr.write(`jackdaw: ${typeof trouble === 'string' ? trouble : describeFailure(trouble)}\n`)
}

function waiting(running: Config, next: Config): string[] {
  const changed = (['data', 'listen', 'tls', 'storage'] as const)
    .filter((section) => !isDeepStrictEqual(running[section], next[section]))
    .map((section) => `what has changed under ${section} waits for the next start`)
  if (!hasComponents(running.hosts) && hasComponents(next.hosts))
    changed.push('the port for components is opened at the next start')
  if (running.log.format !== next.log.format) changed.push('the new log.format waits for the next start')
  return changed
}

/** What listens where, and how to make the first account. */
function greeting(
  listening: readonly Listener[],
  config: Config,
  file: string | undefined,
  invitation?: string,
): string {
  const width = Math.max(...listening.map(({ name }) => name.length))
  const rows = listening.map(
    ({ name, address, port }) =>
      `  ${name.padEnd(width)} ${address.includes(':') ? `[${address}]` : address}:${port}\n`,
  )
  return `Jackdaw serves ${Object.keys(config.hosts).join(', ')} with data in ${config.data}
${rows.join('')}${invitation === undefined ? '' : `The administrator's account, with a browser: ${invitation}\n`}New account: ${newAccount(config, file)}
Ctrl-C stops it.
`
}

function newAccount({ hosts }: Config, file: string | undefined): string {
  const command = process.env['npm_lifecycle_event'] === 'start' ? 'npm run -s jackdaw --' : 'jackdaw'
  const option = file === undefined ? '' : ` --config ${/^[\w./-]+$/.test(file) ? file : `'${file}'`}`
  return `${command} user add NAME@${Object.keys(hosts)[0]!}${option}`
}
