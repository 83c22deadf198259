import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { createServer } from '../server.ts'
import type { Server } from '../server.ts'
import type { Json } from '../world.ts'
import { reachServer } from './control-client.ts'
import type { Control } from './control-client.ts'
import { findSocket, MAX_PATH_BYTES } from './control-path.ts'
import { listenForControl } from './control-server.ts'
import { CommandError, MAX_LINE_BYTES } from './requests.ts'
import type { Request } from './requests.ts'

let data: string
let server: Server
let close: () => void
let control: Control
let errors: unknown[]
let trouble: string | undefined
let kept: () => Promise<void>
let stops: number
let undo: (() => unknown)[]

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jackdaw-control-'))
  server = await createServer(
    { data: folder, hosts: { 'a.example': {}, 'b.example': {} } },
    { log: pino({ level: 'silent' }) },
  )
  return async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
})
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'jackdaw-control-'))
  undo = [() => rmSync(data, { recursive: true }), removeAll]
  await open(data)
})
afterEach(async () => {
  for (const act of undo.toReversed()) await act()
})

async function open(folder: string): Promise<void> {
  errors = []
  trouble = undefined
  kept = () => server.kept()
  stops = 0
  close = await listenForControl({
    data: folder,
    server: {
      hosts: server.hosts,
      listening: [{ name: 'xmpp', address: '::', port: 5222 }],
      reload: async () => ['listen waits'],
      stop: () => void (stops += 1),
      kept: () => kept(),
      get trouble() {
        return trouble
      },
    },
    onError: (error) => errors.push(error),
  })
  undo.push(close)
  control = (await reachServer(folder))!
  undo.push(() => control.close())
}

async function removeAll(): Promise<void> {
  for (const { accounts } of server.hosts.values())
    for await (const account of accounts.list()) await accounts.remove(Jid.parse(account))
}

async function all(request: Request): Promise<Json[]> {
  const items: Json[] = []
  for await (const item of control.ask(request)) items.push(item)
  return items
}

const romeo = Jid.parse('romeo@a.example')

describe('commands', () => {
  test('accounts are made, listed, given another password and removed', async () => {
    expect(await all({ command: 'user add', jid: 'Alice@A.example', password: 'one of a kind' })).toEqual([])
    await all({ command: 'user add', jid: 'bob@b.example', password: 'two of a kind' })
    expect(await all({ command: 'user list' })).toEqual(['alice@a.example', 'bob@b.example'])
    expect(await all({ command: 'user list', host: 'b.example' })).toEqual(['bob@b.example'])
    const keys = await server.hosts.get('a.example')!.accounts.scram('alice', 'SHA-256')
    await all({ command: 'user passwd', jid: 'alice@a.example', password: 'three of a kind' })
    expect(await server.hosts.get('a.example')!.accounts.scram('alice', 'SHA-256')).not.toEqual(keys)
    await all({ command: 'user remove', jid: 'alice@a.example' })
    expect(await all({ command: 'user list' })).toEqual(['bob@b.example'])
  })

  test('accounts are disabled and enabled again; the list and the audit log say so', async () => {
    const [jid, other] = ['alice@a.example', 'bob@a.example']
    for (const one of [jid, other]) await all({ command: 'user add', jid: one, password: 'one of a kind' })
    await all({ command: 'user disable', jid })
    expect(await all({ command: 'user list' })).toEqual([`${jid}  disabled`, other])
    await all({ command: 'user enable', jid })
    expect(await all({ command: 'user list' })).toEqual([jid, other])
    const acts = (await all({ command: 'audit', host: 'a.example' })) as string[]
    expect(acts.slice(-2).map((act) => act.split(' ').slice(1).join(' '))).toEqual([
      `command line disabled an account ${jid}`,
      `command line enabled an account ${jid}`,
    ])
    await expect(all({ command: 'user disable', jid: 'nobody@a.example' })).rejects.toThrow('There is no account')
  })

  test('the role of an account is told, changed, listed, and what is no role is refused', async () => {
    const jid = 'alice@a.example'
    await all({ command: 'user add', jid, password: 'one of a kind' })
    expect(await all({ command: 'user role', jid })).toEqual(['user'])
    await all({ command: 'user role', jid, role: 'admin' })
    await all({ command: 'user disable', jid })
    expect(await all({ command: 'user list' })).toEqual([`${jid}  admin  disabled`])
    expect(((await all({ command: 'audit', host: 'a.example' })) as string[]).at(-2)).toMatch(
      / command line gave the role admin to alice@a\.example$/,
    )
    await all({ command: 'user role', jid, role: 'user' })
    expect(await all({ command: 'user role', jid })).toEqual(['user'])
    for (const role of ['guest', 'king', ''])
      await expect(all({ command: 'user role', jid, role })).rejects.toThrow('there are user, admin')
    await expect(all({ command: 'user role', jid, role: 'amdin' })).rejects.toThrow('did you mean admin?')
    await expect(all({ command: 'user role', jid: 'nobody@a.example' })).rejects.toThrow('There is no account')
  })

  test('what the configuration says of an account is changed there', async () => {
    const jid = 'head@c.example'
    const hosts = { 'a.example': {}, 'b.example': {}, 'c.example': { roles: { head: { accounts: [jid] } } } }
    await server.reload({ data: server.config.data, hosts })
    await all({ command: 'user add', jid, password: 'one of a kind' })
    expect(await all({ command: 'user role', jid })).toEqual(['head'])
    await expect(all({ command: 'user role', jid, role: 'user' })).rejects.toThrow('the configuration says that')
    await all({ command: 'user remove', jid })
    await server.reload({ data: server.config.data, hosts: { 'a.example': {}, 'b.example': {} } })
  })

  test('an invitation gives a role, when that is asked for', async () => {
    await all({ command: 'invite', host: 'a.example', role: 'admin' })
    const [line] = (await all({ command: 'invite list', host: 'a.example' })) as string[]
    expect(line).toMatch(/ {2}as admin$/)
    await all({ command: 'invite revoke', id: line!.split(' ')[0]! })
    await expect(all({ command: 'invite', host: 'a.example', role: 'king' })).rejects.toThrow('there is no role king')
    await expect(
      all({ command: 'invite', host: 'a.example', account: 'x', isReset: true, role: 'admin' }),
    ).rejects.toThrow('brings no role')
  })

  test('XEP-0484: devices with tokens are listed and signed out', async () => {
    const jid = 'fay@b.example'
    await all({ command: 'user add', jid, password: 'the wine is red' })
    const { tokens } = server.hosts.get('b.example')!.accounts
    for (const id of ['one', 'two', 'three'])
      (await tokens.prepare(jid, { id, software: 'Gajim', device: 'desk' }))('HT-SHA-256-NONE')
    const ids = async () =>
      ((await all({ command: 'user devices', jid })) as string[]).map((line) => line.split(' ')[0])
    expect(new Set(await ids())).toEqual(new Set(['one', 'three', 'two']))
    const [line] = await all({ command: 'user devices', jid })
    expect(line).toMatch(/^\w+ Gajim on desk, last login \S+Z, until \S+Z$/)
    await all({ command: 'user sign-out', jid, device: 'one' })
    expect(new Set(await ids())).toEqual(new Set(['three', 'two']))
    await all({ command: 'user sign-out', jid })
    expect(await ids()).toEqual([])
    await all({ command: 'user remove', jid })
    await expect(all({ command: 'user sign-out', jid })).rejects.toThrow('There is no account')
  })

  test('what was administered is in the audit log of its host; what was refused is not', async () => {
    await all({ command: 'user add', jid: 'eve@b.example', password: 'the wine is red' })
    await all({ command: 'user passwd', jid: 'eve@b.example', password: 'the wine is white' })
    await all({ command: 'user remove', jid: 'eve@b.example' })
    await expect(all({ command: 'user remove', jid: 'eve@b.example' })).rejects.toThrow('There is no account')
    const acts = (await all({ command: 'audit', host: 'b.example' })) as string[]
    expect(acts.slice(-3).map((act) => act.replace(/^\S+Z /, ''))).toEqual([
      'command line made an account eve@b.example',
      'command line set the password of eve@b.example',
      'command line removed an account eve@b.example',
    ])
    expect((await all({ command: 'audit' })).length).toBeGreaterThanOrEqual(acts.length)
    await expect(all({ command: 'audit', host: 'c.example' })).rejects.toThrow('does not serve the domain c.example')
  })

  test.each<[string, Request, string]>([
    [
      'an account that exists',
      { command: 'user add', jid: 'carol@a.example', password: 'the wine is red' },
      'carol@a.example exists already',
    ],
    [
      'none that exists',
      { command: 'user passwd', jid: 'dan@a.example', password: 'the wine is red' },
      'There is no account dan@a.example',
    ],
    ['none to remove', { command: 'user remove', jid: 'dan@a.example' }, 'There is no account dan@a.example'],
    [
      'no password',
      { command: 'user add', jid: 'dan@a.example', password: '' },
      'A password has at least 8 characters',
    ],
    [
      'another domain',
      { command: 'user add', jid: 'dan@a.exmple', password: 'the wine is red' },
      'this server does not serve the domain a.exmple: did you mean a.example?',
    ],
    [
      'a domain like none',
      { command: 'user list', host: 'elsewhere' },
      'this server does not serve the domain elsewhere: it serves a.example, b.example; add it under hosts in the configuration',
    ],
    [
      'no name',
      { command: 'user add', jid: 'a.example', password: 'the wine is red' },
      '"a.example" is not the address of an account: write name@domain',
    ],
    [
      'a resource',
      { command: 'user remove', jid: 'carol@a.example/phone' },
      '"carol@a.example/phone" is not the address of an account: write name@domain',
    ],
  ])('%s is answered with a sentence', async (_, request, sentence) => {
    await all({ command: 'user add', jid: 'carol@a.example', password: 'the wine is red' })
    await expect(all(request)).rejects.toThrow(new CommandError(sentence))
    expect(await all({ command: 'user list' })).toEqual(['carol@a.example'])
    expect(errors).toEqual([])
  })

  test('a change is answered when it has been kept; while nothing can be kept, nothing is changed', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    kept = () => promise
    let isAnswered = false
    const answer = all({ command: 'user add', jid: 'romeo@a.example', password: 'the wine is red' }).then(
      () => (isAnswered = true),
    )
    await vi.waitFor(async () => expect(await server.hosts.get('a.example')!.accounts.exists(romeo)).toBe(true))
    expect(isAnswered).toBe(false)
    resolve()
    await answer
    trouble = 'The journal cannot be written: the disk is full'
    await expect(all({ command: 'user remove', jid: 'romeo@a.example' })).rejects.toThrow(
      `nothing was changed: ${trouble}`,
    )
    expect(await all({ command: 'user list' })).toEqual(['romeo@a.example'])
  })

  test('an address that is none is answered with what is wrong with it', async () => {
    await expect(all({ command: 'user add', jid: 'a b@a.example', password: 'the wine is red' })).rejects.toThrow(
      /^"a b@a.example" is no address \(localpart: .*\): write name@domain$/,
    )
  })

  test('reload gives what waits for the next start, status what listens', async () => {
    expect(await all({ command: 'reload' })).toEqual(['listen waits'])
    expect(await all({ command: 'status' })).toEqual([
      { pid: process.pid, listening: [{ name: 'xmpp', address: '::', port: 5222 }] },
    ])
  })

  test('a list longer than what a socket holds arrives whole', async () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `user${i}@c.example`)
    const accounts = { list: () => each(many), isDisabled: () => false } as never
    const hosts = server.hosts as Map<string, unknown>
    hosts.set('c.example', { accounts, roles: { of: () => 'user' } })
    undo.push(() => hosts.delete('c.example'))
    expect(await all({ command: 'user list', host: 'c.example' })).toEqual(many)
  })

  test('stop is over only when the connection has ended with the process', async () => {
    let isOver = false
    const over = control.stop().then(() => (isOver = true))
    const other = (await reachServer(data))!
    await other.ask({ command: 'status' }).next()
    other.close()
    close()
    expect([stops, isOver]).toEqual([1, false])
    control.close()
    await over
  })
})

describe('the socket', () => {
  test('is for its owner alone, and gone afterwards with all that made it', () => {
    expect(statSync(join(data, 'jackdaw.sock')).mode & 0o777).toBe(0o600)
    expect(readdirSync(data).filter((name) => name.startsWith('c-'))).toEqual([])
    close()
    expect(existsSync(join(data, 'jackdaw.sock'))).toBe(false)
  })

  test('that a killed server has left is replaced', async () => {
    close()
    writeFileSync(join(data, 'jackdaw.sock'), '')
    expect(await reachServer(data)).toBeUndefined()
    await open(data)
    expect(await all({ command: 'user list' })).toEqual([])
  })

  test('lies in a folder of its own where the path would be too long', async () => {
    const long = join(data, 'x'.repeat(MAX_PATH_BYTES))
    mkdirSync(long)
    expect(await reachServer(long)).toBeUndefined()
    await open(long)
    const path = findSocket(long)!
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(MAX_PATH_BYTES)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    expect(statSync(join(long, 'control')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(long, 'control'), 'utf8')).toBe(`${path}\n`)
    expect(await all({ command: 'user list' })).toEqual([])
    close()
    expect([existsSync(path), existsSync(dirname(path)), existsSync(join(long, 'control'))]).toEqual([
      false,
      false,
      false,
    ])
    expect(await reachServer(long)).toBeUndefined()
  })
})

describe('garbage', () => {
  test.each([
    ['no JSON', '\u0000\u0001hello', 'a request is one line of JSON'],
    ['no object', '[]', 'unknown command, or not its fields: is this jackdaw of the same version as the server?'],
    [
      'an unknown command',
      '{"command":"quit"}',
      'unknown command, or not its fields: is this jackdaw of the same version as the server?',
    ],
    [
      'a field too many',
      '{"command":"reload","x":1}',
      'unknown command, or not its fields: is this jackdaw of the same version as the server?',
    ],
    [
      'a wrong field',
      '{"command":"user remove","jid":1}',
      'unknown command, or not its fields: is this jackdaw of the same version as the server?',
    ],
    [
      'a prototype',
      '{"__proto__":{"command":"stop"}}',
      'unknown command, or not its fields: is this jackdaw of the same version as the server?',
    ],
  ])('%s is refused, and the connection works on', async (_, line, sentence) => {
    const { socket, next } = await raw()
    socket.write(`${line}\n{"command":"user list"}\n`)
    expect(await next()).toEqual({ error: sentence })
    expect(await next()).toEqual({ end: true })
    expect([stops, errors]).toEqual([0, []])
  })

  test('a line that does not end is cut off', async () => {
    const { socket, next } = await raw()
    const closed = once(socket, 'close')
    socket.write('x'.repeat(MAX_LINE_BYTES + 1))
    expect(await next()).toEqual({ error: `a request is one line of at most ${MAX_LINE_BYTES} bytes` })
    await closed
    expect(await all({ command: 'user list' })).toEqual([])
  })

  test('a client that leaves in the middle harms nobody', async () => {
    const { socket } = await raw()
    socket.write('{"command":"user list"}\n{"comm')
    socket.destroy()
    expect(await all({ command: 'user list' })).toEqual([])
  })

  test('who leaves before the answer is no mistake of ours', async () => {
    const asked = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    kept = () => {
      asked.resolve()
      return held.promise
    }
    const { socket } = await raw()
    socket.write('{"command":"user list"}\n')
    await asked.promise
    const gone = once(socket, 'close')
    socket.destroy()
    await gone
    kept = () => server.kept()
    // The server has seen it leave.
    expect(await all({ command: 'user list' })).toEqual([])
    held.resolve()
    expect(await all({ command: 'user list' })).toEqual([])
    expect(errors).toEqual([])
  })
})

async function raw(): Promise<{ socket: Socket; next: () => Promise<unknown> }> {
  const socket = connect(findSocket(data)!)
  undo.push(() => socket.destroy())
  await once(socket, 'connect')
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  return { socket, next: async () => JSON.parse((await lines.next()).value as string) }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
