import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Actor, tcp } from '@jackdaw/testkit'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
/** Saves half of each process's start. */
const cache = mkdtempSync(join(tmpdir(), 'jackdaw-cache-'))
afterAll(() => rmSync(cache, { recursive: true, force: true }))
let folder: string
let file: string
let children: ChildProcess[]

beforeEach(() => {
  children = []
  folder = mkdtempSync(join(tmpdir(), 'jackdaw cli-'))
  file = join(folder, 'jackdaw.yaml')
  configure('log: { format: pretty }')
})
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true })
})

function configure(more: string): void {
  writeFileSync(
    file,
    `data: d\nlisten: { xmpp: { port: 0, address: 127.0.0.1 }, xmpps: false, http: false, https: false }\n${more}\n`,
  )
}

function launch(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const { npm_lifecycle_event: _, ...env } = process.env
  const child = spawn(process.execPath, ['--conditions=source', cli, ...args], {
    cwd: folder,
    env: { ...env, NODE_COMPILE_CACHE: cache, ...environment },
  })
  children.push(child)
  return child
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Runs a command to its end. */
async function jackdaw(args: readonly string[], input = ''): Promise<Ended> {
  const child = launch(args)
  let out = ''
  let error = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (error += text))
  child.stdin!.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, error }
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<unknown[]>
  /** What it has printed so far, to the line that tells how to make an account. */
  readonly greeting: string[]
  readonly next: () => Promise<string>
}

async function startServer(environment?: Record<string, string>): Promise<Running> {
  const child = launch(['start', '--config', file], environment)
  child.stderr!.pipe(process.stderr)
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const next = async () => {
    const line = await lines.next()
    if (line.done === true) throw new Error('the server has ended')
    return line.value
  }
  const greeting: string[] = []
  do greeting.push(await next())
  while (!/new account: /i.test(greeting.at(-1)!))
  return { child, ended, greeting, next }
}

describe('start', () => {
  test('tells what listens where and how to make the first account, which then works; stop waits for the end', async () => {
    const { child, ended, greeting } = await startServer({ npm_lifecycle_event: 'start' })
    expect(greeting.filter((line) => !/^\d\d:/.test(line))).toEqual([
      `Jackdaw serves localhost with data in ${join(folder, 'd')}`,
      expect.stringMatching(/^ {2}xmpp +127\.0\.0\.1:\d+$/),
      `New account: npm run -s jackdaw -- user add NAME@localhost --config '${file}'`,
    ])
    expect(statSync(join(folder, 'd')).mode & 0o777).toBe(0o700)
    expect(await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red\n')).toEqual({
      code: 0,
      out: '',
      error: '',
    })
    const generated = await jackdaw(['user', 'add', 'bob@localhost', '--generate', '-c', file])
    expect(generated).toEqual({ code: 0, out: expect.stringMatching(/^[a-z2-9]{20}\n$/), error: '' })
    expect((await jackdaw(['user', 'list', '--config', file])).out).toBe('alice@localhost\nbob@localhost\n')
    const check = await jackdaw(['check', '--config', file])
    expect(check.out).toMatch(/^ok {4}port 0 \(xmpp\): The running server listens there\.$/m)
    expect(check.code).toBe(0)
    expect((await jackdaw(['start', '--config', file])).error).toBe(
      `jackdaw: The journal folder ${join(folder, 'd', 'journal')} is in use by process ${child.pid}: stop that server first.\n`,
    )
    expect(await jackdaw(['stop', '--config', file])).toEqual({ code: 0, out: '', error: '' })
    expect(() => process.kill(child.pid!, 0)).toThrow('ESRCH')
    expect(await ended).toEqual([0, null])
    expect(readdirSync(join(folder, 'd'))).not.toContain('jackdaw.sock')
  })

  test('a rejection that nobody awaits is in the log, and ends no session', async () => {
    configure('log: { format: json }')
    const module = "process.on('SIGUSR2', () => void Promise.reject(new Error('forgotten')))"
    const { child, next } = await startServer({ NODE_OPTIONS: `--import "data:text/javascript,${module}"` })
    child.kill('SIGUSR2')
    expect(JSON.parse(await next())).toMatchObject({ level: 50, err: { message: 'forgotten' } })
    expect(await jackdaw(['user', 'list', '--config', file])).toEqual({ code: 0, out: '', error: '' })
    expect(child.exitCode).toBe(null)
  })

  test('in JSON the same is one event', async () => {
    configure('log: { format: json }')
    const { greeting } = await startServer()
    expect(JSON.parse(greeting.at(-1)!)).toMatchObject({
      listening: [{ name: 'xmpp', address: '127.0.0.1', port: expect.any(Number) }],
      hosts: ['localhost'],
      msg: `listening; new account: jackdaw user add NAME@localhost --config '${file}'`,
    })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it in order', async (signal) => {
    const { child, ended } = await startServer()
    child.kill(signal)
    expect(await ended).toEqual([0, null])
    expect(existsSync(join(folder, 'd', 'jackdaw.sock'))).toBe(false)
  })

  test('what was compiled is kept for the next start though the server is killed', async () => {
    const kept = mkdtempSync(join(folder, 'cache-'))
    const { child } = await startServer({ NODE_COMPILE_CACHE: kept })
    await vi.waitFor(() => expect(readdirSync(kept, { recursive: true }).length).toBeGreaterThan(100), 30_000)
    child.kill('SIGKILL')
  })

  test('SIGKILL does no harm: the next start takes the folder over', async () => {
    const { child, ended } = await startServer()
    await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red\n')
    child.kill('SIGKILL')
    await ended
    expect(existsSync(join(folder, 'd', 'jackdaw.sock'))).toBe(true)
    expect((await jackdaw(['user', 'list', '--config', file])).out).toBe('alice@localhost\n')
    await startServer()
    expect((await jackdaw(['user', 'list', '--config', file])).out).toBe('alice@localhost\n')
  })

  test('SIGHUP and reload take the configuration over; a wrong one changes nothing', async () => {
    configure('log: { format: pretty, level: debug }\nhosts: { localhost: , b.example: }')
    const { child } = await startServer()
    configure(
      'log: { format: pretty }\nhosts: { localhost: , c.example: }\nstorage: { durability: power }\ntls: { minimum: TLSv1.3 }',
    )
    expect(await jackdaw(['reload', '--config', file])).toEqual({
      code: 0,
      out: 'what has changed under tls waits for the next start\nwhat has changed under storage waits for the next start\n',
      error: '',
    })
    expect((await jackdaw(['user', 'add', 'a@c.example', '--config', file], 'the wine is red')).code).toBe(0)
    expect((await jackdaw(['user', 'list', 'b.example', '--config', file])).error).toContain(
      'does not serve the domain b.example',
    )
    configure('hostss: {}')
    child.kill('SIGHUP')
    await once(child.stderr!, 'data')
    configure('log: { format: pretty }\nhosts: { localhost: , c.example: }')
    expect((await jackdaw(['user', 'list', '--config', file])).out).toBe('a@c.example\n')
  })
})

describe('invite', () => {
  const https = () =>
    writeFileSync(
      file,
      'data: d\nlog: { format: pretty }\nlisten: { xmpp: { port: 0 }, xmpps: false, http: false, https: { port: 0, address: 127.0.0.1 } }\n',
    )
  const link = /https:\/\/localhost:\d+\/invite\/[a-z2-9]{27}/

  test('a server without accounts prints an invitation to the first one at each start; the last one is good', async () => {
    https()
    const first = await startServer()
    expect(first.greeting.at(-2)).toMatch(new RegExp(`^The administrator.s account, with a browser: ${link.source}$`))
    first.child.kill('SIGKILL')
    await first.ended
    const second = await startServer()
    const { out } = await jackdaw(['invite', 'list', '--config', file])
    expect(out).toMatch(/^[0-9a-f]{10} {2}localhost {2}0 of 1 used {2}until [-0-9: ]+ UTC {2}as admin\n$/)
    await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red\n')
    second.child.kill('SIGKILL')
    await second.ended
    expect((await startServer()).greeting.filter((line) => link.test(line))).toEqual([])
  })

  test('a running server makes links, lists them and takes them back', async () => {
    https()
    await startServer()
    await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red\n')
    const made = await jackdaw(['invite', '--account', 'Bob', '--expires', '2 h', '--uses', '3', '--config', file])
    expect(made).toEqual({
      code: 0,
      out: expect.stringMatching(new RegExp(`^${link.source}\nxmpp:bob@localhost\\?register;preauth=[a-z2-9]{27}\n$`)),
      error: '',
    })
    const reset = await jackdaw(['invite', '--account', 'alice', '--reset', '--config', file])
    expect(reset.out).toMatch(new RegExp(`^${link.source}\n$`))
    const lines = (await jackdaw(['invite', 'list', 'localhost', '--config', file])).out.split('\n')
    expect(lines.map((line) => line.split('  ').slice(1, 3))).toEqual([
      ['localhost', '0 of 1 used'],
      ['bob@localhost', '0 of 3 used'],
      ['a new password for alice@localhost', '0 of 1 used'],
      [],
    ])
    const id = lines[1]!.split(' ', 1)[0]!
    expect((await jackdaw(['invite', 'revoke', id, '--config', file])).code).toBe(0)
    expect((await jackdaw(['invite', 'revoke', id, '--config', file])).error).toBe(
      `jackdaw: there is no open invitation ${id}: see jackdaw invite list\n`,
    )
  })

  test.each([
    [['--reset'], 'whose password? Add --account NAME to --reset'],
    [
      ['--reset', '--account', 'alice'],
      'no HTTPS is served, so there is no page that sets a password: see listen.https',
    ],
    [['--expires', 'soon'], "--expires: expected a time such as '30 s', '10 min', '2 h', or a number of seconds"],
    [['--uses', '0'], '--uses: expected a number from 1 to 9999'],
    [['--account', 'a b'], expect.stringContaining('"a b" is no name of an account')],
    [['--host', 'locahost'], 'this server does not serve the domain locahost: did you mean localhost?'],
  ])('%j is answered with a sentence', async (args, sentence) => {
    const { code, error } = await jackdaw(['invite', ...args, '--config', file])
    expect([code, error.replace(/^jackdaw: |\n$/g, '')]).toEqual([1, sentence])
  })
})

describe('audit conversations', () => {
  test('what was said before kill -9 is printed after it, an object a line; that it was read is in the audit log', async () => {
    const supervised = 'modules: { supervision: { rooms: false } }'
    configure(`log: { format: pretty }\nhosts: { localhost: { plaintext: true, ${supervised} }, other.test: {} }`)
    const { child, ended, greeting } = await startServer()
    for (const name of ['alice', 'bob']) await jackdaw(['user', 'add', `${name}@localhost`], 'the wine is red\n')
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(greeting.join('\n'))![1])
    const alice = new Actor({ jid: 'alice@localhost/phone', password: 'the wine is red', connect: tcp(port) })
    await alice.connect()
    const texts = ['Wherefore art thou?', 'Romeo']
    for (const text of texts) alice.says(`<message to='bob@localhost' type='chat'><body>${text}</body></message>`)
    await alice.sync()
    child.kill('SIGKILL')
    await ended
    await startServer()
    const read = async (...args: string[]) => {
      const { out, error, code } = await jackdaw(['audit', 'conversations', ...args])
      expect([code, error]).toEqual([0, ''])
      return out
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { body: string }).body)
        .filter((text) => !text.startsWith('Conversations on localhost are supervised'))
    }
    expect(await read()).toEqual(texts)
    expect(await read('localhost', '--with', 'alice@localhost', 'bob@localhost', '--text', 'romeo')).toEqual(['Romeo'])
    expect(await read('localhost', '--from', '2020-01-01', '--to', '2020-01-02T00:00:00Z')).toEqual([])
    const { out } = await jackdaw(['audit', 'localhost'])
    expect(
      out
        .split('\n')
        .filter((line) => line.includes('read'))
        .map((line) => line.slice(25)),
    ).toEqual([
      'command line read conversations all',
      'command line read conversations with alice@localhost with bob@localhost text "romeo"',
      'command line read conversations from 2020-01-01T00:00:00.000Z to 2020-01-02T00:00:00.000Z',
    ])
  })

  test.each([
    [['--from', 'yesterday'], "--from: expected a time such as '2026-11-26' or '2026-11-26T15:00:00Z'"],
    [['--with', 'a b@c'], expect.stringMatching(/^--with: "a b@c" is no address/)],
    [['localhost'], 'nothing is supervised there: the module supervision is not switched on'],
  ])('%j is answered with a sentence', async (args, sentence) => {
    await startServer()
    const { code, error } = await jackdaw(['audit', 'conversations', ...args])
    expect([code, error.replace(/^jackdaw: |\n$/g, '')]).toEqual([1, sentence])
  })
})

describe('what prevents a start is said in one sentence, with exit code 1', () => {
  const refusal = async (): Promise<string> => {
    const { code, out, error } = await jackdaw(['start', '--config', file])
    expect(error).not.toContain('    at ')
    expect(out.split('\n').filter((line) => !/^\d\d:\d\d:\d\d (info|warn) /.test(line))).toEqual([''])
    expect(code).toBe(1)
    return error
  }

  test('a port that is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    writeFileSync(
      file,
      `log: { format: pretty }\nlisten: { xmpp: { port: ${port}, address: 127.0.0.1 }, xmpps: false, http: false, https: false }`,
    )
    expect(await refusal()).toBe(
      `jackdaw: Port ${port} is taken by another program: stop that program, or set another port in the configuration.\n`,
    )
    other.close()
  })
  test('a wrong configuration', async () => {
    writeFileSync(file, 'data: d\nhost: {}')
    expect(await refusal()).toBe(`jackdaw: ${file}:2:1: unknown field "host"; did you mean "hosts"?\n`)
  })
  test('no such configuration', async () => {
    rmSync(file)
    expect(await refusal()).toBe(`jackdaw: the configuration file ${file} cannot be read (ENOENT): check --config\n`)
  })
  test('a data folder that is none', async () => {
    writeFileSync(join(folder, 'd'), '')
    expect(await refusal()).toMatch(
      /^jackdaw: The journal folder .* cannot be opened .*: check that it is a folder which this user may write to\.\n$/,
    )
  })
  test('a certificate without its key', async () => {
    configure('log: { format: pretty }\nhosts: { a.example: { certificate: { key: a.key, cert: a.pem } } }')
    expect(await refusal()).toMatch(
      /^jackdaw: The certificate of a.example cannot be used, because .*a.pem cannot be read: .*\n$/,
    )
  })
  test('a damaged journal; and check says the same', async () => {
    await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red')
    const journal = join(folder, 'd', 'journal')
    const part = join(
      journal,
      readdirSync(journal).find((name) => name.endsWith('.journal'))!,
    )
    appendFileSync(part, readFileSync(part))
    const content = readFileSync(part)
    writeFileSync(part, content.fill(0xff, content.length / 2, content.length / 2 + 12))
    const error = await refusal()
    expect(error).toMatch(
      /^jackdaw: The journal part .* is damaged at byte \d+, .*restore the data folder from a backup/,
    )
    const check = await jackdaw(['check', '--config', file])
    expect(check.out).toContain(`fail  journal: ${error.slice('jackdaw: '.length)}`)
    expect(check.code).toBe(1)
  })
})

describe('without a server', () => {
  test('accounts are made, changed, listed and removed in the data folder', async () => {
    expect(await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red\n')).toEqual({
      code: 0,
      out: '',
      error: '',
    })
    expect(await jackdaw(['user', 'add', 'alice@localhost', '--config', file], 'the wine is red\n')).toEqual({
      code: 1,
      out: '',
      error: 'jackdaw: alice@localhost exists already\n',
    })
    expect((await jackdaw(['user', 'passwd', 'alice@localhost', '--config', file], 'the wine is white\n')).code).toBe(0)
    // No --config: the file of this folder.
    expect((await jackdaw(['user', 'list'])).out).toBe('alice@localhost\n')
    expect((await jackdaw(['user', 'remove', 'alice@localhost', '--config', file])).code).toBe(0)
    expect((await jackdaw(['user', 'list', 'localhost', '--config', file])).out).toBe('')
  })

  test.each(['stop', 'reload'])('there is nothing to %s', async (command) => {
    expect(await jackdaw([command, '--config', file])).toEqual({
      code: 1,
      out: '',
      error: `jackdaw: no server runs on the data folder ${join(folder, 'd')}: start it with jackdaw start\n`,
    })
  })

  test('check: exit code 1 and the place of what is wrong', async () => {
    writeFileSync(file, 'limits:\n  dept: 1')
    expect(await jackdaw(['check', '--config', file])).toEqual({
      code: 1,
      out: `fail  configuration: ${file}:2:3: limits: unknown field "dept"; did you mean "depth"?\n`,
      error: '',
    })
  })

  test('an unknown command is named, with the one that was meant', async () => {
    const { code, error } = await jackdaw(['strat'])
    expect([code, error]).toEqual([1, expect.stringContaining("unknown command 'strat'\n(Did you mean start?)")])
  })

  test('a password is no argument: everybody on the machine could read it', async () => {
    expect((await jackdaw(['user', 'add', 'alice@localhost', '--password', 'x', '--config', file])).error).toContain(
      "unknown option '--password'",
    )
  })
})

describe('token', () => {
  test('a running server makes tokens, with which its REST API answers at once, lists them and revokes them', async () => {
    writeFileSync(
      file,
      'data: d\nlog: { format: pretty }\nlisten: { xmpp: false, xmpps: false, http: { port: 0, address: 127.0.0.1 }, https: false }\n',
    )
    const { greeting } = await startServer()
    const [, port] = /http +127\.0\.0\.1:(\d+)/.exec(greeting.join('\n'))!
    const accounts = async (token: string) =>
      (await fetch(`http://127.0.0.1:${port}/api/v1/accounts`, { headers: { authorization: `Bearer ${token}` } }))
        .status
    expect(await accounts('x')).toBe(404)
    const scopes = ['--scope', 'accounts:read', '--scope', 'sessions:read']
    const made = await jackdaw(['token', 'add', 'shop', ...scopes, '--expires', '30 d', '--config', file])
    expect(made).toEqual({ code: 0, out: expect.stringMatching(/^jackdaw_[a-f0-9]{12}_[\w-]{43}\n$/), error: '' })
    expect(await accounts(made.out.trim())).toBe(200)
    expect((await jackdaw(['token', 'list', '--config', file])).out).toMatch(
      /^shop {2}localhost {2}accounts:read sessions:read {2}until \S+Z {2}used \S+Z\n$/,
    )
    expect(await jackdaw(['token', 'revoke', 'shop', '--config', file])).toEqual({ code: 0, out: '', error: '' })
    expect(await accounts(made.out.trim())).toBe(404)
    expect((await jackdaw(['audit', '--config', file])).out.replaceAll(/^\S+Z /gm, '')).toBe(
      'command line made a token for accounts:read, sessions:read: shop\ncommand line revoked the token shop\n',
    )
  })

  test.each([
    [['add', 'a b', '--scope', 'accounts:read'], 'the name of a token has 1 to 64 letters, digits, _, - and dots'],
    [['add', 'shop', '--scope', 'all'], expect.stringMatching(/^There is no scope all: there are accounts:read, /)],
    [['revoke', 'shop'], 'localhost has no token shop: see jackdaw token list'],
    [
      ['add', 'shop', '--scope', 'accounts:read', '--host', 'locahost'],
      'this server does not serve the domain locahost: did you mean localhost?',
    ],
  ])('%j is answered with a sentence', async (args, sentence) => {
    const { code, error } = await jackdaw(['token', ...args, '--config', file])
    expect([code, error.replace(/^jackdaw: |\n$/g, '')]).toEqual([1, sentence])
  })
})
