import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { modules } from '../modules/modules.ts'
import { number } from '../modules/version.ts'
import { systemRandom } from '../world.ts'
import { runUser } from './commands.ts'
import type { UserRequest } from './commands.ts'
import { reachServer } from './control-client.ts'
import type { Control } from './control-client.ts'
import { generatePassword, readPassword } from './password.ts'
import { CommandError } from './requests.ts'

const DEFAULT_FILE = 'jackdaw.yaml'

interface Options {
  readonly config?: string
  readonly generate?: boolean
}

/** The command `jackdaw`. What is heavy is loaded by the command that needs it. */
export function program(): Command {
  const configOption = [
    '-c, --config <file>',
    `configuration file (${DEFAULT_FILE} in this folder, if there is one)`,
  ] as const
  const jackdaw = new Command('jackdaw')
    .option(...configOption)
    .description('An XMPP server.')
    .version(number)
    .helpCommand(false)
    .showHelpAfterError('(jackdaw --help tells more)')
  const command = (name: string, description: string, parent = jackdaw): Command =>
    parent
      .command(name)
      .description(description)
      .option(...configOption)
      .allowExcessArguments(false)

  command('start', 'run the server in the foreground').action(async (options: Options) => {
    const { start } = await import('./start.ts')
    await start(fileOf(options))
  })
  command('check', 'look for what is wrong with the configuration and this machine').action(
    async (options: Options) => {
      const { check } = await import('../check/check.ts')
      process.exitCode = await check(fileOf(options), process.stdout)
    },
  )
  command('reload', 'make the running server read its configuration and certificates again').action(
    async (options: Options) => {
      await withServer(options, async (control) => {
        for await (const notice of control.ask({ command: 'reload' })) console.log(notice)
      })
    },
  )
  command('stop', 'stop the running server; its sessions wait to be resumed').action(async (options: Options) => {
    await withServer(options, (control) => control.stop())
  })

  command('audit [domain]', 'print what was administered last, of one domain or of all').action(
    async (host: string | undefined, options: Options) => {
      await withServer(options, async (control) => {
        for await (const act of control.ask({ command: 'audit', ...(host !== undefined && { host }) })) console.log(act)
      })
    },
  )

  const user = jackdaw
    .command('user')
    .description('accounts, whether the server runs or not')
    .option(...configOption)
    .helpCommand(false)
  const typed = 'the password is asked for, or read from standard input when that is no terminal'
  command('add <address>', `make an account (name@domain); ${typed}`, user)
    .option('--generate', 'make up a password and print it')
    .action((jid: string, options: Options) =>
      withPassword(options, (password) => onAccounts(options, { command: 'user add', jid, password })),
    )
  command('passwd <address>', `set the password of an account; ${typed}`, user)
    .option('--generate', 'make up a password and print it')
    .action((jid: string, options: Options) =>
      withPassword(options, (password) => onAccounts(options, { command: 'user passwd', jid, password })),
    )
  command('list [domain]', 'print the accounts of one domain, or of all', user).action(
    (host: string | undefined, options: Options) =>
      onAccounts(options, { command: 'user list', ...(host !== undefined && { host }) }),
  )
  command('remove <address>', 'remove an account and all that is kept for it', user).action(
    (jid: string, options: Options) => onAccounts(options, { command: 'user remove', jid }),
  )
  command('devices <address>', 'print the devices that log in to an account without its password', user).action(
    (jid: string, options: Options) => onAccounts(options, { command: 'user devices', jid }),
  )
  command(
    'sign-out <address> [device]',
    'end the sessions of a device, or of all, until it has the password again',
    user,
  ).action((jid: string, device: string | undefined, options: Options) =>
    onAccounts(options, { command: 'user sign-out', jid, ...(device !== undefined && { device }) }),
  )
  // --config may stand behind any of the words.
  return jackdaw.hook('preAction', (_, action) => {
    action.setOptionValue('config', action.opts()['config'] ?? user.opts()['config'] ?? jackdaw.opts()['config'])
  })
}

function fileOf({ config }: Options): string | undefined {
  return config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
}

async function withPassword({ generate }: Options, act: (password: string) => Promise<void>): Promise<void> {
  const password =
    generate === true
      ? generatePassword(systemRandom)
      : await readPassword({ input: process.stdin, output: process.stderr })
  await act(password)
  if (generate === true) console.log(password)
}

async function withServer(options: Options, act: (control: Control) => Promise<void>): Promise<void> {
  const { data } = readConfig(fileOf(options), modules)
  const control = await reachServer(data)
  if (control === undefined)
    throw new CommandError(`no server runs on the data folder ${data}: start it with jackdaw start`)
  try {
    await act(control)
  } finally {
    control.close()
  }
}

/** Through the running server; without one, in the data folder itself. */
async function onAccounts(options: Options, request: UserRequest): Promise<void> {
  const config = readConfig(fileOf(options), modules)
  const control = await reachServer(config.data)
  if (control !== undefined) {
    try {
      for await (const line of control.ask(request)) console.log(line)
    } finally {
      control.close()
    }
    return
  }
  const { createServer } = await import('../server.ts')
  const server = await createServer({ ...config, log: { ...config.log, level: 'error' } })
  try {
    for await (const line of runUser(request, server.hosts)) console.log(line)
  } finally {
    await server.stop()
  }
}
