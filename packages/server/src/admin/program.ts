import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { Jid, JidError } from '@jackdaw/xmpp'
import { readConfig } from '../config.ts'
import { duration } from '../config/fields.ts'
import { modules } from '../modules/modules.ts'
import { number } from '../modules/version.ts'
import { systemRandom } from '../world.ts'
import { runOnData } from './commands.ts'
import type { DataRequest } from './commands.ts'
import { reachServer } from './control-client.ts'
import type { Control } from './control-client.ts'
import { generatePassword, readPassword } from './password.ts'
import { CommandError } from './requests.ts'

const DEFAULT_FILE = 'jackdaw.yaml'

interface Options {
  readonly config?: string
  readonly generate?: boolean
}

interface TokenOptions extends Options {
  readonly host?: string
  readonly scope?: readonly string[]
  readonly expires?: number
}

interface InviteOptions extends Options {
  readonly host?: string
  readonly account?: string
  readonly expires?: number
  readonly uses?: number
  readonly role?: string
  readonly reset?: boolean
}

interface ConversationOptions extends Options {
  readonly with?: readonly string[]
  /** Milliseconds since the Unix epoch. */
  readonly from?: number
  readonly to?: number
  readonly text?: string
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

  const audit = command('audit [domain]', 'print what was administered last, of one domain or of all').action(
    async (host: string | undefined, options: Options) => {
      await withServer(options, async (control) => {
        for await (const act of control.ask({ command: 'audit', ...(host !== undefined && { host }) })) console.log(act)
      })
    },
  )
  audit.helpCommand(false)
  command(
    'conversations [domain]',
    'print what was said where conversations are supervised, a JSON object a line, in the order of time; that it was read is in the audit log',
    audit,
  )
    .option('--with <address...>', 'in which all of these took part: accounts, or a room')
    .option('--from <time>', "not before, such as '2026-11-26' or '2026-11-26T15:00:00Z'", moment('--from'))
    .option('--to <time>', 'not after', moment('--to'))
    .option('--text <words>', 'in which all of these words stand')
    .action(async (host: string | undefined, options: ConversationOptions) => {
      const { with: participants = [], from, to, text } = options
      await withServer(options, async (control) => {
        for await (const said of control.ask({
          command: 'audit conversations',
          participants: participants.map(bareAddress),
          ...(host !== undefined && { host }),
          ...(from !== undefined && { start: from }),
          ...(to !== undefined && { end: to }),
          ...(text !== undefined && { text }),
        }))
          console.log(JSON.stringify(said))
      })
    })

  command('backup <folder>', 'copy the data into a new folder, also while the server runs').action(
    async (folder: string, options: Options) => {
      const { backUp } = await import('./backup.ts')
      const { data } = readConfig(fileOf(options), modules)
      const to = resolve(folder)
      backUp(data, to)
      console.log(`the data of ${data} is in ${to}`)
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
      withPassword(options, (password) => onData(options, { command: 'user add', jid, password })),
    )
  command('passwd <address>', `set the password of an account; ${typed}`, user)
    .option('--generate', 'make up a password and print it')
    .action((jid: string, options: Options) =>
      withPassword(options, (password) => onData(options, { command: 'user passwd', jid, password })),
    )
  command('list [domain]', 'print the accounts of one domain, or of all', user).action(
    (host: string | undefined, options: Options) =>
      onData(options, { command: 'user list', ...(host !== undefined && { host }) }),
  )
  command('remove <address>', 'remove an account and all that is kept for it', user).action(
    (jid: string, options: Options) => onData(options, { command: 'user remove', jid }),
  )

  command(
    'disable <address>',
    'end the sessions of an account and let nobody log in; nothing of it is lost',
    user,
  ).action((jid: string, options: Options) => onData(options, { command: 'user disable', jid }))
  command('enable <address>', 'let a disabled account be used again', user).action((jid: string, options: Options) =>
    onData(options, { command: 'user enable', jid }),
  )
  command('role <address> [role]', 'print the role of an account, or give it another one', user).action(
    (jid: string, role: string | undefined, options: Options) =>
      onData(options, { command: 'user role', jid, ...(role !== undefined && { role }) }),
  )
  const invite = jackdaw
    .command('invite')
    .description('make a link with which somebody makes an account, or with --reset sets a new password')
    .option('--host <domain>', 'the domain; the first of the configuration, if there are several')
    .option('--account <name>', 'the name that the account must have, or whose password is to be set')
    .option('--expires <time>', "how long it can be used, such as '2 h' or '30 d'; 7 d unless it is said", lifetime)
    .option('--uses <number>', 'how many may use it; one unless it is said', count)
    .option('--role <role>', 'the role that the account gets, such as admin')
    .option('--reset', 'for a new password of --account')
    .option(...configOption)
    .helpCommand(false)
    .allowExcessArguments(false)
    .action((options: InviteOptions) => {
      const { host, account, expires, uses, role, reset } = options
      if (reset === true && account === undefined)
        throw new CommandError('whose password? Add --account NAME to --reset')
      return onData(options, {
        command: 'invite',
        ...(host !== undefined && { host }),
        ...(account !== undefined && { account }),
        ...(expires !== undefined && { expires }),
        ...(uses !== undefined && { uses }),
        ...(role !== undefined && { role }),
        ...(reset === true && { isReset: true }),
      })
    })
  command('list [domain]', 'print the invitations that are open', invite).action(
    (host: string | undefined, options: Options) =>
      onData(options, { command: 'invite list', ...(host !== undefined && { host }) }),
  )
  command('revoke <id>', 'take an invitation back; its id is in the list', invite).action(
    (id: string, options: Options) => onData(options, { command: 'invite revoke', id }),
  )
  command('devices <address>', 'print the devices that log in to an account without its password', user).action(
    (jid: string, options: Options) => onData(options, { command: 'user devices', jid }),
  )
  command(
    'sign-out <address> [device]',
    'end the sessions of a device, or of all, until it has the password again',
    user,
  ).action((jid: string, device: string | undefined, options: Options) =>
    onData(options, { command: 'user sign-out', jid, ...(device !== undefined && { device }) }),
  )

  const token = jackdaw
    .command('token')
    .description('tokens of the REST API, which is served while there are some')
    .option(...configOption)
    .helpCommand(false)
  const hostOption = ['--host <domain>', 'the domain; the first of the configuration, if there are several'] as const
  command('add <name>', 'make a token and print it: it is kept nowhere else', token)
    .option(...hostOption)
    .requiredOption(
      '--scope <scope>',
      "what it is good for, such as 'accounts:read'; may stand there several times",
      added,
    )
    .option('--expires <time>', "how long it is good, such as '30 d'; for ever unless it is said", lifetime)
    .action((name: string, options: TokenOptions) => {
      const { host, scope = [], expires } = options
      return onData(options, {
        command: 'token add',
        name: tokenName(name),
        scopes: [...scope],
        ...(host !== undefined && { host }),
        ...(expires !== undefined && { expires }),
      })
    })
  command('list [domain]', 'print the tokens, what they are good for, and when they were used last', token).action(
    (host: string | undefined, options: Options) =>
      onData(options, { command: 'token list', ...(host !== undefined && { host }) }),
  )
  command('revoke <name>', 'end a token', token)
    .option(...hostOption)
    .action((name: string, options: TokenOptions) => {
      const { host } = options
      return onData(options, { command: 'token revoke', name: tokenName(name), ...(host !== undefined && { host }) })
    })
  // --config may stand behind any of the words.
  return jackdaw.hook('preAction', (_, action) => {
    const { config } = { ...jackdaw.opts(), ...action.parent?.opts(), ...action.opts() }
    action.setOptionValue('config', config)
  })
}

function added(one: string, before: readonly string[] = []): readonly string[] {
  return [...before, one]
}

function tokenName(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text
  throw new CommandError('the name of a token has 1 to 64 letters, digits, _, - and dots')
}

/** Milliseconds. */
function lifetime(text: string): number {
  const result = duration({ min: '1 min', max: '365 d' }).safeParse(text)
  if (!result.success) throw new CommandError(`--expires: ${result.error.issues[0]!.message}`)
  return result.data
}

/** Milliseconds since the Unix epoch; a day alone begins in UTC. */
function moment(option: string): (text: string) => number {
  return (text) => {
    const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : NaN
    if (!Number.isNaN(at)) return at
    throw new CommandError(`${option}: expected a time such as '2026-11-26' or '2026-11-26T15:00:00Z'`)
  }
}

function bareAddress(text: string): string {
  try {
    return Jid.parse(text).bare.toString()
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new CommandError(`--with: "${text}" is no address (${error.message})`, { cause: error })
  }
}

function count(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new CommandError('--uses: expected a number from 1 to 9999')
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
async function onData(options: Options, request: DataRequest): Promise<void> {
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
    for await (const line of runOnData(request, server.hosts)) console.log(line)
  } finally {
    await server.stop()
  }
}
