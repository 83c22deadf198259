import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Element, Jid, parse } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { type ConfigInput, createServer, MemoryJournalStore, type Parts } from '../../index.ts'
import { type Clock, systemClock } from '../../world.ts'

const free = { port: 0, address: '127.0.0.1' }
const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** The machine's clock, but what BOSH waits for in seconds comes when it is told to. */
class LeapClock implements Clock {
  readonly #alarms = new Set<{ ms: number; act: () => void }>()
  now = () => systemClock.now()
  soon = (act: () => void) => systemClock.soon(act)

  after(ms: number, act: () => void): () => void {
    if (ms < 7000) return systemClock.after(ms, act)
    const alarm = { ms, act }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  /** How many wait for so long. */
  waiting(ms: number): number {
    return [...this.#alarms].filter((alarm) => alarm.ms === ms).length
  }

  ring(ms: number): void {
    for (const alarm of this.#alarms)
      if (alarm.ms === ms) {
        this.#alarms.delete(alarm)
        alarm.act()
      }
  }
}

/** A server on real sockets, with the account romeo. */
async function run(config: ConfigInput = {}, parts: Parts = {}) {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  const clock = new LeapClock()
  const listen = { xmpp: false, xmpps: false, http: free, https: free } as const
  const server = await createServer({ data, listen, ...config }, { clock, log: pino({ level: 'silent' }), ...parts })
  const listening = await server.start()
  open.push(() => server.stop().then(() => rm(data, { recursive: true })))
  await server.hosts.get('localhost')!.accounts.create(Jid.parse('romeo@localhost'), 'pencil')
  const port = (name: string): number => listening.find((one) => one.name === name)!.port
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false })
  open.unshift(() => agent.destroy())
  const send = (content: string | Buffer, method = 'POST', isSecure = true) => {
    const options = { port: port(isSecure ? 'https' : 'http'), host: '127.0.0.1', path: '/bosh', method }
    const headers = { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(content) }
    const request = isSecure ? httpsRequest({ ...options, headers, agent }) : httpRequest({ ...options, headers })
    request.on('error', () => {}).end(content)
    return request
  }
  const post = async (content: string | Buffer, method = 'POST', isSecure = true) => {
    const [response] = (await once(send(content, method, isSecure), 'response')) as [IncomingMessage]
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }
  return { server, clock, send, post }
}

type Running = Awaited<ReturnType<typeof run>>

const wrap = (attrs: string, payload = ''): string =>
  `<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' ${attrs}>${payload}</body>`
const creation = "to='localhost' ver='1.6' xmpp:version='1.0' xml:lang='en'"
const plain = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0pencil')}</auth>`
const ping = (id: string): string =>
  `<iq xmlns='jabber:client' type='get' id='${id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`

/** A client that counts. */
async function client({ send, post }: Running, attrs = "hold='1' wait='60'") {
  let rid = 4_000_000
  const created = parse((await post(wrap(`rid='${rid}' ${creation} ${attrs}`))).body)
  const sid = created.attr('sid')!
  const at = (number: number, more = '', payload = '') => wrap(`rid='${number}' sid='${sid}' ${more}`, payload)
  const ask = async (number: number, more?: string, payload?: string): Promise<Element> =>
    parse((await post(at(number, more, payload))).body)
  return {
    created,
    sid,
    at,
    ask,
    get rid() {
      return rid
    },
    next: (payload?: string, more?: string): Promise<Element> => ask(++rid, more, payload),
    leave: (number: number) => send(at(number)),
    async logIn() {
      await this.next(plain)
      await this.next('', "xmpp:restart='true' to='localhost'")
      const bind = "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
      return this.next(bind)
    },
  }
}

const ends = (body: Element): (string | undefined)[] => [body.attr('type'), body.attr('condition')]
const gone = ['terminate', 'item-not-found']

test('XEP-0124 §7.2, XEP-0206 §4: the first response has the session and the features of the stream', async () => {
  const { created } = await client(await run())
  const { sid, authid, ...rest } = Object.fromEntries(
    Array.from({ length: created.attrs.length / 2 }, (_, i) => created.attrs.slice(2 * i, 2 * i + 2)),
  )
  expect([sid.length, typeof authid]).toEqual([24, 'string'])
  expect(rest).toEqual({
    wait: '60',
    requests: '2',
    ver: '1.6',
    polling: '5',
    inactivity: '60',
    hold: '1',
    maxpause: '120',
    ack: '4000000',
    from: 'localhost',
    '{urn:xmpp:xbosh}version': '1.0',
    '{urn:xmpp:xbosh}restartlogic': 'true',
  })
  expect(created.child('features', 'http://etherx.jabber.org/streams')).toBeDefined()
})

test('XEP-0206 §5: SASL, restart, binding and stanzas; a message waits for nobody', async () => {
  const running = await run()
  const romeo = await client(running)
  const bound = await romeo.logIn()
  const jid = bound.first()!.first()!.first()!.text
  expect(jid).toMatch(/^romeo@localhost\//)
  const held = romeo.next()
  const own = `<message to='${jid}' xmlns='jabber:client'><body>art thou there</body></message>`
  const next = romeo.next(own)
  expect((await held).elements().map((message) => message.child('body')?.text)).toContain('art thou there')
  running.clock.ring(60_000)
  expect((await next).children).toEqual([])
})

test('XEP-0206 §2: stanzas in the namespace of the body are stanzas', async () => {
  const romeo = await client(await run())
  await romeo.logIn()
  const answer = await romeo.next(ping('p').replace(" xmlns='jabber:client'", ''))
  expect([answer.first()!.name, answer.first()!.attr('type')]).toEqual(['iq', 'result'])
})

test('XEP-0124 §8: a request is held, and answered when its time is over or the next one comes', async () => {
  const running = await run()
  const romeo = await client(running)
  await romeo.logIn()
  const held = romeo.next()
  const next = romeo.next()
  const answer = await held
  expect([answer.children, answer.attr('ack')]).toEqual([[], String(romeo.rid)])
  running.clock.ring(60_000)
  expect((await next).children).toEqual([])
})

test('DESIGN 3, XEP-0124 §9.1: that a request has come is told when what it brought is kept', async () => {
  const journalStore = new MemoryJournalStore()
  const running = await run({}, { journalStore })
  const romeo = await client(running)
  await romeo.logIn()
  let isAnswered = false
  const held = romeo.next().finally(() => (isAnswered = true))
  journalStore.failure = new Error('The disk is full')
  const next = romeo.next("<message to='romeo@localhost' type='chat' xmlns='jabber:client'><body>hi</body></message>")
  await expect.poll(() => running.server.trouble).toContain('The disk is full')
  // What had been sent before would have come before.
  for (let i = 0; i < 3; i++) await running.post('', 'OPTIONS')
  expect(isAnswered).toBe(false)
  journalStore.failure = undefined
  await held
  running.clock.ring(60_000)
  await next
})

test('XEP-0124 §14.2: requests are taken in the order of their rids; one too high ends the session', async () => {
  const running = await run()
  const romeo = await client(running)
  await romeo.logIn()
  const { rid } = romeo
  const late = romeo.ask(rid + 2, '', ping('second'))
  const early = romeo.ask(rid + 1, '', ping('first'))
  expect((await early).elements().map((iq) => iq.attr('id'))).toEqual(['first', 'second'])
  running.clock.ring(60_000)
  expect((await late).children).toEqual([])
  expect(ends(await romeo.ask(rid + 5))).toEqual(gone)
  expect(ends(await romeo.ask(rid + 3))).toEqual(gone)
})

test('XEP-0124 §14.3: a lost response is given again, and what it answers is done once; an old one ends the session', async () => {
  const romeo = await client(await run())
  await romeo.logIn()
  const answer = await romeo.next(ping('once'))
  expect(answer.first()!.attr('id')).toBe('once')
  expect((await romeo.ask(romeo.rid, '', ping('once'))).toString()).toBe(answer.toString())
  await romeo.next(ping('x'))
  await romeo.next(ping('y'))
  expect(ends(await romeo.ask(romeo.rid - 2))).toEqual(gone)
})

test('XEP-0124 §14.3: who asks again while it is held gets the answer in the place of the first', async () => {
  const running = await run()
  const romeo = await client(running)
  await romeo.logIn()
  const first = romeo.next()
  const again = romeo.ask(romeo.rid)
  // Whichever comes first is the first.
  expect((await Promise.race([first, again])).attr('type')).toBe('error')
  const next = romeo.next(ping('p'))
  const answers = [await first, await again].flatMap((body) => body.elements())
  expect(answers.map((iq) => iq.attr('id'))).toEqual(['p'])
  running.clock.ring(60_000)
  expect((await next).children).toEqual([])
})

test('XEP-0124 §14.3: who asks again without end is turned out', async () => {
  const romeo = await client(await run())
  await romeo.logIn()
  const { rid } = romeo
  for (let i = 0; i < 10; i++) expect((await romeo.ask(rid)).attr('type')).toBeUndefined()
  expect(ends(await romeo.ask(rid))).toEqual(['terminate', 'policy-violation'])
})

test('XEP-0124 §14.3: what is for a client whose connection broke waits until it asks again', async () => {
  const running = await run()
  const romeo = await client(running, "hold='1' wait='50'")
  const bound = await romeo.logIn()
  const jid = bound.first()!.first()!.first()!.text
  const juliet = await client(running)
  await juliet.logIn()
  const lost = romeo.leave(romeo.rid + 1)
  await expect.poll(() => running.clock.waiting(50_000)).toBe(1)
  lost.destroy()
  // Both wait for their next request.
  await expect.poll(() => running.clock.waiting(60_000)).toBe(2)
  await juliet.next(`<message to='${jid}' xmlns='jabber:client'><body>hist</body></message>${ping('done')}`)
  expect((await romeo.ask(romeo.rid + 1)).first()!.child('body')!.text).toBe('hist')
})

test('XEP-0124 §10: a client that asks nothing for too long is gone', async () => {
  const running = await run()
  const romeo = await client(running)
  await romeo.logIn()
  running.clock.ring(60_000)
  expect(ends(await romeo.next())).toEqual(gone)
})

test('XEP-0124 §10: a pause answers all requests without payload and may last longer; not too long', async () => {
  const running = await run()
  const romeo = await client(running)
  await romeo.logIn()
  const held = romeo.next()
  const paused = await romeo.next('', "pause='100'")
  expect([(await held).children, paused.children]).toEqual([[], []])
  running.clock.ring(60_000)
  expect((await romeo.next(ping('back'))).first()!.attr('id')).toBe('back')
  expect(ends(await romeo.next('', "pause='121'"))).toEqual(['terminate', 'policy-violation'])
})

test('XEP-0124 §11: who asks for nothing as fast as it can is turned out', async () => {
  const romeo = await client(await run())
  await romeo.logIn()
  let held = romeo.next()
  let count = 1
  for (let answer: Element | undefined; answer?.attr('type') === undefined; count++) {
    const next = romeo.next()
    answer = await held
    held = next
  }
  expect(ends(await held)).toEqual(['terminate', 'policy-violation'])
  expect(count).toBeGreaterThan(50)
})

test('XEP-0124 §12: who polls is answered at once, and may not poll again at once when there was nothing', async () => {
  const romeo = await client(await run(), "hold='0' wait='0'")
  expect(romeo.created.first()!.name).toBe('features')
  expect((await romeo.next()).children).toEqual([])
  expect(ends(await romeo.next())).toEqual(['terminate', 'policy-violation'])
})

test('XEP-0124 §13: what comes with the end is done, the oldest request is told, and the session is gone', async () => {
  const romeo = await client(await run())
  await romeo.logIn()
  const held = romeo.next()
  const last = romeo.next("<presence xmlns='jabber:client' type='unavailable'/>", "type='terminate'")
  expect((await Promise.all([held, last])).map(ends)).toContainEqual(['terminate', undefined])
  expect(ends(await romeo.next())).toEqual(gone)
})

test('XEP-0206 §6: a stream error ends the session and says why', async () => {
  const romeo = await client(await run())
  const answer = await romeo.next("<message xmlns='jabber:client'/>")
  expect(ends(answer)).toEqual(['terminate', 'remote-stream-error'])
  expect(answer.first()!.first()!.name).toBe('not-authorized')
})

test.each([
  [`rid='1' to='elsewhere.test'`, 'host-unknown'],
  [`rid='1'`, 'improper-addressing'],
])('XEP-0124 §17.2: %s is %s', async (attrs, condition) => {
  const { post } = await run()
  expect(ends(parse((await post(wrap(attrs))).body))).toEqual(['terminate', condition])
})

test.each([
  '',
  'text',
  '<body/>',
  wrap("to='localhost'"),
  wrap("rid='-1'"),
  wrap("rid='9007199254740992'"),
  wrap("rid='1' wait='x'"),
  wrap("rid='1'", 'text'),
  wrap("rid='1'", '<!-- a comment -->'),
  wrap("rid='1'", '<a>'.repeat(70) + '</a>'.repeat(70)),
])('XEP-0124 §6: %s is a bad request', async (content) => {
  const { post } = await run()
  const { status, body } = await post(content)
  expect([status, ...ends(parse(body))]).toEqual([200, 'terminate', 'bad-request'])
})

test('XEP-0124 §6: what is not UTF-8 is a bad request; a body too long is refused', async () => {
  const { post } = await run({ limits: { stanzaBytes: '10000 B' } })
  expect(ends(parse((await post(Buffer.from([0x3c, 0xff, 0x3e]))).body))).toEqual(['terminate', 'bad-request'])
  expect((await post('x'.repeat(10_001))).status).toBe(413)
})

test('XEP-0124 §15: who has begun with keys is known by them', async () => {
  const sha1 = (of: string) => createHash('sha1').update(of).digest('hex')
  const [k1, k2, k3] = [sha1('seed'), sha1(sha1('seed')), sha1(sha1(sha1('seed')))]
  const running = await run()
  const romeo = await client(running, `newkey='${k3.toUpperCase()}'`)
  expect((await romeo.next(plain, `key='${k2}'`)).first()!.name).toBe('success')
  const fresh = sha1('another')
  const switched = await romeo.next('', `key='${k1}' newkey='${sha1(fresh)}' xmpp:restart='true' to='localhost'`)
  expect(switched.first()!.name).toBe('features')
  expect(ends(await romeo.next('', `key='${k1}'`))).toEqual(gone)
})

test('a session that began encrypted does not go on in clear; over plain HTTP no login is offered where the host forbids it', async () => {
  const running = await run({ hosts: { localhost: { plaintext: false } } })
  const romeo = await client(running)
  const inClear = await running.post(romeo.at(romeo.rid + 1), 'POST', false)
  expect(ends(parse(inClear.body))).toEqual(gone)
  expect((await romeo.next(plain)).first()!.name).toBe('success')
  const created = parse((await running.post(wrap(`rid='1' ${creation}`), 'POST', false)).body)
  expect(created.first()!.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')).toBeUndefined()
})

test('an address has so many sessions and no more, until one ends', async () => {
  const running = await run({ limits: { connectionsPerAddress: 2 } })
  const [romeo] = [await client(running), await client(running)]
  const third = async () => ends((await client(running)).created)
  expect(await third()).toEqual(['terminate', 'policy-violation'])
  await romeo.next('', "type='terminate'")
  expect(await third()).toEqual([undefined, undefined])
})

test('pages of any origin may connect; what they ask to be shown as HTML is not', async () => {
  const { post } = await run()
  const preflight = await post('', 'OPTIONS')
  expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, '*'])
  expect(preflight.headers['access-control-allow-headers']).toBe('Content-Type')
  const { headers } = await post(wrap(`rid='1' ${creation} content='text/html'`))
  expect(headers['content-type']).toBe('text/xml; charset=utf-8')
  expect([headers['access-control-allow-origin'], headers['x-content-type-options']]).toEqual(['*', 'nosniff'])
  expect((await post('', 'GET')).status).toBe(405)
})

test('XEP-0198 §5: a session that BOSH lost is resumed over BOSH', async () => {
  const running = await run()
  const romeo = await client(running)
  await romeo.logIn()
  const enabled = await romeo.next("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
  const id = enabled.first()!.attr('id')!
  running.clock.ring(60_000)
  const again = await client(running)
  await again.next(plain)
  await again.next('', "xmpp:restart='true' to='localhost'")
  const resumed = await again.next(`<resume xmlns='urn:xmpp:sm:3' h='0' previd='${id}'/>`)
  expect([resumed.first()!.name, resumed.first()!.attr('previd')]).toEqual(['resumed', id])
})

test('XEP-0124 §8: a client that is told much takes it in several responses, in order, and is heard all the while', async () => {
  const running = await run()
  const romeo = await client(running)
  const bound = await romeo.logIn()
  const jid = bound.first()!.first()!.first()!.text
  const long = (id: number) =>
    `<message xmlns='jabber:client' to='${jid}' id='${id}'><body>${'x'.repeat(30_000)}</body></message>`
  const ids: (string | undefined)[] = []
  const hear = (body: Element) => ids.push(...body.elements().map((element) => element.attr('id')))
  for (let i = 0; i < 30; i += 6) hear(await romeo.next([0, 1, 2, 3, 4, 5].map((n) => long(i + n)).join('')))
  for (hear(await romeo.next(ping('last'))); !ids.includes('last');) hear(await romeo.next(ping('more')))
  expect(ids.filter((id) => !['last', 'more'].includes(id!))).toEqual(Array.from({ length: 30 }, (_, i) => String(i)))
})

test('a stop tells the client so', async () => {
  const running = await run()
  const romeo = await client(running, "hold='1' wait='50'")
  await romeo.logIn()
  const held = romeo.next()
  await expect.poll(() => running.clock.waiting(50_000)).toBe(1)
  void running.server.stop()
  expect(ends(await held)).toEqual(['terminate', 'system-shutdown'])
})
