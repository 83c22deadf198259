import { once } from 'node:events'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { type AddressInfo, connect as dial, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as dialTls, type TLSSocket } from 'node:tls'
import { Client, type Connect, scenario, tcp, tls, turn, webSocket } from '@jackdaw/testkit'
import { Jid, saslNs, xml } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { type ConfigInput, createServer, ListenError, type Server } from './index.ts'
import { systemClock } from './world.ts'

const free = { port: 0, address: '127.0.0.1' }
const listen = { xmpp: free, xmpps: free, http: free, https: free }

interface Running extends AsyncDisposable {
  readonly server: Server
  readonly data: string
  port(name: string): number
}

/** A real server on real sockets, with the accounts romeo and juliet. */
async function run(config: ConfigInput = {}, clock = systemClock): Promise<Running> {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  const server = await createServer({ data, listen, ...config }, { clock, log: pino({ level: 'silent' }) })
  const listening = await server.start()
  for (const host of server.hosts.values())
    for (const name of ['romeo', 'juliet'])
      await host.accounts.create(Jid.parse(`${name}@${host.virtual.domain}`), 'pencil')
  return {
    server,
    data,
    port: (name) => listening.find((one) => one.name === name)!.port,
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(data, { recursive: true })
    },
  }
}

test('RFC 6120 §13.7.1, XEP-0368, RFC 7395: TCP, direct TLS and WebSocket lead to the same people', async () => {
  await using running = await run()
  const { port } = running
  const heard: string[] = []
  const ways = [tcp(port('xmpp')), tls(port('xmpps')), webSocket(`wss://127.0.0.1:${port('https')}/xmpp`)]
  const romeo = new Client({ jid: 'romeo@localhost/r', password: 'pencil', connect: ways[0]! })
  await romeo.connect()
  for (const [i, connect] of ways.entries()) {
    const juliet = new Client({ jid: `juliet@localhost/${i}`, password: 'pencil', connect })
    await juliet.connect()
    romeo.send(`<message to='juliet@localhost/${i}'><body>${i}</body></message>`)
    heard.push((await juliet.stanza()).child('body')!.text)
    await juliet.close()
  }
  expect(heard).toEqual(['0', '1', '2'])
  await romeo.close()
})

test('RFC 6120 §13.8: nobody logs in without TLS unless the host is open to that', async () => {
  await using running = await run()
  const client = new Client({
    jid: 'romeo@localhost',
    password: 'pencil',
    connect: webSocket(`ws://127.0.0.1:${running.port('http')}/xmpp`),
  })
  await client.open()
  expect(client.mechanisms).toEqual([])
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHBlbmNpbA==</auth>`)
  expect((await client.next()).first()?.name).toBe('encryption-required')
  await client.cut()
})

test('XEP-0198 §5: a session is resumed over another transport than before', async () => {
  await using running = await run()
  const { port } = running
  let connect = tls(port('xmpps'))
  const juliet = new Client({
    jid: 'juliet@localhost/j',
    password: 'pencil',
    resume: true,
    connect: (events) => connect(events),
  })
  const romeo = new Client({ jid: 'romeo@localhost/r', password: 'pencil', resume: true, connect: tcp(port('xmpp')) })
  await juliet.connect()
  await romeo.connect()
  await juliet.cut()
  romeo.send(`<message to='juliet@localhost/j'><body>missed</body></message>`)
  connect = webSocket(`wss://127.0.0.1:${port('https')}/xmpp`)
  expect(await juliet.connect()).toBe('resumed')
  expect((await juliet.stanza()).child('body')!.text).toBe('missed')
  connect = tcp(port('xmpp'))
  await juliet.cut()
  expect(await juliet.connect()).toBe('resumed')
  await romeo.close()
  await juliet.close()
})

test('RFC 5802 §6, RFC 9266: a login over TLS is bound to its channel, one in clear beside it is not', async () => {
  await using running = await run({ hosts: { localhost: { plaintext: 'loopback' } } })
  const { port } = running
  const [clear, secure] = [webSocket(`ws://127.0.0.1:${port('http')}/xmpp`), tls(port('xmpps'))]
  for (const connect of [clear, secure, clear, secure]) {
    const client = new Client({ jid: 'romeo@localhost', password: 'pencil', connect })
    await client.open()
    expect(client.mechanisms[0]).toBe(connect === secure ? 'SCRAM-SHA-512-PLUS' : 'SCRAM-SHA-512')
    await client.login()
    await client.cut()
  }
})

test('RFC 5802 §6: a channel binding that cannot be is refused at once, and is no failed attempt, once for each mechanism', async () => {
  await using running = await run({ limits: { authenticationDelay: '1 ms' } })
  const client = new Client({ jid: 'romeo@localhost', password: 'pencil', connect: tls(running.port('xmpps')) })
  await client.open()
  const attempt = async (mechanism: string) => {
    const first = `${mechanism.endsWith('-PLUS') ? 'p=tls-unique' : 'y'},,n=romeo,r=abc`
    client.send(xml('auth', saslNs, { mechanism }, Buffer.from(first).toString('base64')))
    return (await client.next()).elements()[0]!.name
  }
  for (const mechanism of client.mechanisms.filter((name) => name.startsWith('SCRAM')))
    expect(await attempt(mechanism)).toBe('mechanism-too-weak')
  await client.login()
  await client.open()
  for (let times = 0; times < 4; times++) expect(await attempt('SCRAM-SHA-1')).toBe('mechanism-too-weak')
  await client.whenGone
  expect(client.streamError).toMatchObject({ condition: 'policy-violation' })
})

test('who asks for much at once gets it in portions, and all of it', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] } })
  for (let i = 0; i < 15; i++)
    s.phone.says(`<message to='juliet@home.test' type='chat'><body>${'x'.repeat(60_000)}</body></message>`)
  await s.phone.sync()
  const sizes: number[] = []
  const laptop = s.client('romeo', 'laptop', {
    connect: (events) =>
      s.connect({
        gone: () => events.gone(),
        data(chunk) {
          sizes.push(chunk.length)
          events.data(chunk)
        },
      }),
  })
  await laptop.connect()
  const ids = Array.from({ length: 40 }, (_, i) => `q${i}`)
  laptop.send(ids.map((id) => `<iq type='set' id='${id}'><query xmlns='urn:xmpp:mam:2'/></iq>`).join(''))
  const answers: unknown[] = []
  while (answers.length < 40) {
    const { name, id } = await laptop.stanza()
    if (name === 'iq') answers.push(id)
  }
  expect(answers).toEqual(ids)
  expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(36_000_000)
  expect(Math.max(...sizes)).toBeLessThan(3_000_000)
})

test('RFC 6120 §4.6: who takes nothing of what it asked for is given up, and its session waits for it', async () => {
  const fast = { ...systemClock, after: (ms: number, act: () => void) => systemClock.after(ms / 10, act) }
  await using running = await run({ keepalive: { idle: '5 s' } }, fast)
  const { server, port } = running
  let socket: TLSSocket | undefined
  const connect: Connect = async (events) => {
    const opened = dialTls({ port: port('xmpps'), host: '127.0.0.1', rejectUnauthorized: false })
    socket = opened
    opened.on('data', (chunk) => events.data(chunk)).on('close', () => events.gone())
    await once(opened, 'secureConnect')
    const write = (text: string) => void opened.write(text)
    const destroy = () => void opened.destroy()
    return { framing: 'tcp', isSecure: true, bindings: new Map(), write, end: destroy, destroy }
  }
  const romeo = new Client({ jid: 'romeo@localhost/r', password: 'pencil', resume: true, connect })
  await romeo.connect()
  for (let i = 0; i < 15; i++)
    romeo.send(`<message to='juliet@localhost' type='chat'><body>${'x'.repeat(60_000)}</body></message>`)
  await romeo.settled()
  socket!.pause()
  for (let i = 0; i < 40; i++) romeo.send(`<iq type='set' id='q${i}'><query xmlns='urn:xmpp:mam:2'/></iq>`)
  const [session] = server.sessions
  await vi.waitFor(() => expect(session!.isDetached).toBe(true), { timeout: 20_000 })
  socket!.destroy()
  expect(await romeo.connect()).toBe('resumed')
  socket!.destroy()
})

test('virtual hosts: users of two hosts talk to each other, and to nobody elsewhere', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], 'nurse@other.test': ['kitchen'] } })
  s.kitchen.comes()
  await s.kitchen.sync()
  s.kitchen.clear()
  s.phone.says(`<message to='nurse@other.test' type='chat'><body>hi</body></message>`)
  await s.kitchen.hears(`<message from='romeo@home.test/phone' to='nurse@other.test'><body>hi</body></message>`)
  s.phone.says(`<message to='nurse@elsewhere.test' id='1'><body>hi</body></message>`)
  await s.phone.hears(
    `<message id='1' type='error'><error><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  )
})

test('full disk: nothing is acknowledged that is not kept, and all goes on when there is room', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [], resume: true })
  s.journalStore.failure = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  for (let i = 0; i < 5; i++) s.phone.says(`<message to='juliet@home.test/balcony' id='${i}'/>`)
  s.phone.requestAcknowledgement()
  for (let i = 0; i < 10; i++) await turn()
  expect(s.phone.acknowledged).toBe(0)
  expect(s.balcony.inbox).toEqual([])
  const stranger = s.client('romeo', 'new')
  await expect(stranger.open()).rejects.toMatchObject({ condition: 'resource-constraint' })
  await s.clock.advance(10_000)
  s.journalStore.failure = undefined
  await s.clock.advance(1_000)
  await s.phone.settled()
  for (let i = 0; i < 5; i++) await s.balcony.hears(`<message id='${i}'/>`)
  await s.balcony.hearsNothing()
})

test('a data folder that is taken away is told, nothing is acknowledged meanwhile, and all goes on when it is back', async () => {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  // What is looked at each second is looked at sooner; nobody else has less time.
  const after = (ms: number, act: () => void) => systemClock.after(ms === 1000 ? 20 : ms, act)
  const clock = { ...systemClock, after }
  const server = await createServer({ data, listen }, { log: pino({ level: 'silent' }), clock })
  const [xmpp, , http] = await server.start()
  await server.hosts.get('localhost')!.accounts.create(Jid.parse('romeo@localhost'), 'pencil')
  const romeo = new Client({ jid: 'romeo@localhost/r', password: 'pencil', resume: true, connect: tcp(xmpp!.port) })
  await romeo.connect()
  await rename(data, `${data}.away`)
  await vi.waitFor(() => expect(server.trouble).toContain('has been removed or replaced'))
  const health = () => fetch(`http://127.0.0.1:${http!.port}/health`).then(({ status }) => status)
  expect(await health()).toBe(503)
  const metrics = await fetch(`http://127.0.0.1:${http!.port}/metrics`).then((response) => response.text())
  expect(metrics).toMatch(/^jackdaw_healthy 0$/m)
  expect(metrics).toMatch(/^jackdaw_logins_total 1$/m)
  expect(metrics).toMatch(/^jackdaw_write_failures_total 1$/m)
  romeo.send(`<message to='romeo@localhost' id='1'/>`)
  romeo.requestAcknowledgement()
  await health()
  expect([romeo.acknowledged, romeo.inbox]).toEqual([0, []])
  await rename(`${data}.away`, data)
  await romeo.settled()
  await vi.waitFor(async () => expect(await health()).toBe(200), { timeout: 10_000 })
  await romeo.close()
  await server.stop()
  await rm(data, { recursive: true })
})

test('a start that fails leaves no port open and may be tried again; one server is started once, and not after its end', async () => {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  const other = createTcpServer()
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const taken = { port, address: '127.0.0.1' }
  const server = await createServer({ data, listen: { ...listen, https: taken } }, { log: pino({ level: 'silent' }) })
  const opened: number[] = []
  await expect(server.start()).rejects.toThrow(ListenError)
  other.close()
  await once(other, 'close')
  for (const { port: one } of await server.start()) opened.push(one)
  expect(opened).toHaveLength(4)
  await expect(server.start()).rejects.toThrow('started already')
  await Promise.all([server.stop(), server.stop()])
  await server.stop()
  await expect(server.start()).rejects.toThrow('stopped')
  for (const one of opened) {
    const [error] = await once(dial(one, '127.0.0.1'), 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  }
  await rm(data, { recursive: true })
})

test('the log has no message above trace, and never a password', async () => {
  for (const level of ['debug', 'trace'] as const) {
    let lines = ''
    const log = pino({ level }, { write: (line: string) => void (lines += line) })
    const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
    const hosts = { localhost: { plaintext: true, modules: { register: true } } } as const
    const server = await createServer({ data, listen, hosts }, { log })
    const [xmpp] = await server.start()
    const client = (name: string) => new Client({ jid: name, password: 'the wine is red', connect: tcp(xmpp!.port) })
    const stranger = client('juliet@localhost')
    await stranger.open()
    stranger.send(
      `<iq type='set' id='1'><query xmlns='jabber:iq:register'><username>juliet</username><password>the wine is red</password></query></iq>`,
    )
    await stranger.next()
    const plain = Buffer.from('\0juliet\0the wine is red').toString('base64')
    stranger.send(xml('auth', saslNs, { mechanism: 'PLAIN' }, plain))
    expect((await stranger.next()).name).toBe('success')
    await stranger.loggedIn()
    await stranger.bind('j')
    stranger.send(`<message to='juliet@localhost/j'><body>art thou not Romeo</body></message>`)
    expect((await stranger.stanza()).name).toBe('message')
    await stranger.close()
    await server.stop()
    await rm(data, { recursive: true })
    expect(lines).not.toContain('the wine is red')
    expect(lines).not.toContain(plain)
    expect(lines.includes('art thou not Romeo')).toBe(level === 'trace')
  }
})

test('full disk, then kill -9: what was not acknowledged is sent again, and arrives once', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [], resume: true })
  s.journalStore.failure = new Error('no space left on device')
  s.phone.says(`<message to='juliet@home.test/balcony' id='1'/>`)
  for (let i = 0; i < 10; i++) await turn()
  s.crash()
  s.journalStore.failure = undefined
  await s.start()
  expect(await s.phone.connect()).toBe('resumed')
  expect(await s.balcony.connect()).toBe('resumed')
  await s.phone.settled()
  await s.balcony.hears(`<message id='1'/>`)
  await s.balcony.hearsNothing()
})

test('reload: hosts, modules and limits change in a running server, and who stays notices nothing', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] } })
  const hosts = { 'home.test': { plaintext: true, modules: { ping: false } }, 'new.test': { plaintext: true } } as const
  await s.server.reload({ log: { level: 'fatal' }, hosts })
  await s.server.hosts.get('new.test')!.accounts.create(Jid.parse('nurse@new.test'), 'the wine is red')
  const nurse = await s.login('nurse@new.test', 'kitchen')
  const ping = `<iq type='get' to='home.test'><ping xmlns='urn:xmpp:ping'/></iq>`
  await expect(s.phone.asks(ping)).rejects.toMatchObject({ condition: 'service-unavailable' })
  await s.server.reload({ log: { level: 'fatal' }, hosts: { 'home.test': { plaintext: true } } })
  await nurse.whenGone
  expect(nurse.streamError?.condition).toBe('host-gone')
  expect((await s.phone.asks(ping)).type).toBe('result')
})

test('reload: the caps on connections and sizes hold from then on', async () => {
  await using running = await run()
  const { server, data, port } = running
  const reload = (limits: ConfigInput['limits']) => server.reload({ data, listen, limits, log: { level: 'silent' } })
  const client = (connect = tcp(port('xmpp'))) => new Client({ jid: 'romeo@localhost', password: 'pencil', connect })
  const first = client()
  await first.open()
  await reload({ connectionsPerAddress: 1 })
  await expect(client().open()).rejects.toMatchObject({ condition: 'resource-constraint' })
  await first.cut()
  await reload({ stanzaBytes: '10000 B' })
  const romeo = client(webSocket(`wss://127.0.0.1:${port('https')}/xmpp`))
  await romeo.connect()
  romeo.send(`<message to='juliet@localhost'><body>${'x'.repeat(20_000)}</body></message>`)
  await romeo.whenGone
})

test('the journal is released when all have read it, and idle sessions live on', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [], resume: true })
  const first = s.journalStore.part
  await s.balcony.cut()
  s.phone.says(`<message to='juliet@home.test/balcony' id='old'/>`)
  for (let i = 0; i < 2500; i++) {
    s.phone.says(`<iq type='get' id='${i}'><x xmlns='urn:x'/></iq>`)
    await turn()
    if (i % 500 === 0) await s.clock.advance(10_000)
  }
  expect(s.journalStore.part).toBeGreaterThan(first + 1000)
  s.crash()
  await s.start()
  expect(await s.balcony.connect()).toBe('resumed')
  await s.balcony.hears(`<message id='old'/>`)
})

test('RFC 4505: an anonymous user talks like any other, and leaves nothing behind', async () => {
  await using s = await scenario({
    accounts: { romeo: ['phone'] },
    config: { hosts: { 'home.test': { anonymous: true } } },
  })
  const guest = s.client('romeo')
  await guest.open()
  guest.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>`)
  expect((await guest.next()).name).toBe('success')
  await guest.loggedIn()
  await guest.bind()
  expect(guest.jid.local).not.toBe('romeo')
  s.phone.says(`<message to='${guest.jid}'><body>who are you?</body></message>`)
  await guest.hears(`<message from='romeo@home.test/phone'/>`)
  guest.says(`<message to='romeo@home.test/phone'><body>nobody</body></message>`)
  await s.phone.hears(`<message from='${guest.jid}'/>`)
  const account = guest.jid.bare.toString()
  await guest.close()
  await s.phone.sync()
  const kept = [...s.journalStore.read(0)].map(([, batch]) => batch).join()
  expect(kept).toContain(`["drop","home.test/","${account}"]`)
})
