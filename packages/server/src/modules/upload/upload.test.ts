import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DiscoInfo, DiscoItems, fieldValues, Jid, StanzaError } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { answerTo, service, type Stage, stage } from './fixture.ts'

const minute = 60_000

/** The files on the disk are those that the records tell of, and the sums are right. */
async function isConsistent(s: Stage, account?: string): Promise<void> {
  const { usage, bytes, ids, slots, doomed } = await s.books(account)
  expect({ ...usage, oldest: 0 }).toEqual({ bytes, files: ids.length, slots, oldest: 0 })
  expect(s.files()).toHaveLength(ids.length - slots)
  expect(doomed).toEqual([])
}

test('XEP-0363 §3: the service is found, and tells the largest file', async () => {
  await using s = await stage({ maxFileSize: '5 MiB' })
  const romeo = await s.login()
  const items = DiscoItems.read(
    (await romeo.ask('get', DiscoItems.write({ items: [] }), Jid.parse('home.test'))).first()!,
  )
  expect(items.items.find(({ jid }) => jid.equals(service))?.name).toBe('HTTP File Upload')
  const answer = await romeo.ask('get', DiscoInfo.write({ identities: [], features: [], forms: [] }), service)
  const info = DiscoInfo.read(answer.first()!)
  expect(info.identities).toEqual([{ category: 'store', type: 'file', name: 'HTTP File Upload' }])
  expect(info.features).toContain('urn:xmpp:http:upload:0')
  expect(fieldValues(info.forms[0]!, 'max-file-size')).toEqual(['5242880'])
})

test('XEP-0363 §4, §7: a slot is given, the file put, and found by whoever has the URL, also after a restart', async () => {
  await using s = await stage()
  const romeo = await s.login()
  const { put, get } = await s.slot(romeo, { filename: 'très cool.txt', contentType: 'text/plain' })
  expect(get).toMatch(/^https:\/\/files\.home\.test\/upload\/home\.test\/[0-9a-f]{40}\/tr%C3%A8s%20cool\.txt$/)
  expect((await s.http('GET', get)).status).toBe(404)
  const answer = await s.http('PUT', put, { 'content-type': 'text/plain', 'content-length': '5' }, 'hello')
  expect(answer.status).toBe(201)
  await s.restart()
  const found = await s.http('GET', get)
  expect([found.status, found.body]).toEqual([200, 'hello'])
  expect(found.headers).toMatchObject({
    'content-type': 'text/plain',
    'content-length': '5',
    'content-disposition': "inline; filename*=UTF-8''tr%C3%A8s%20cool.txt",
  })
  await isConsistent(s)
})

test('XEP-0363 §3, §5: size and quota by role; who may not upload does not find that it is possible', async () => {
  const roles = {
    user: { limits: { maxFileSize: 1024, quota: 1500 } },
    pupil: { accounts: ['juliet@home.test'], may: [] },
  }
  const modules = { upload: { url: 'https://files.home.test' } }
  await using s = await stage({}, { hosts: { 'home.test': { plaintext: true, modules, roles } } })
  const [romeo, juliet] = [await s.login(), await s.login('juliet')]
  const about = async (client: typeof romeo) =>
    DiscoInfo.read(
      (await client.ask('get', DiscoInfo.write({ identities: [], features: [], forms: [] }), service)).first()!,
    )
  expect(fieldValues((await about(romeo)).forms[0]!, 'max-file-size')).toEqual(['1024'])
  expect(String((await about(juliet)).features)).not.toContain('urn:xmpp:http:upload:0')
  await expect(s.slot(romeo, { size: 1025 })).rejects.toMatchObject({ condition: 'not-acceptable' })
  await s.slot(romeo, { size: 1000 })
  await expect(s.slot(romeo, { size: 1000 })).rejects.toMatchObject({ condition: 'resource-constraint' })
  await expect(s.slot(juliet, { size: 1 })).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0133 §4.3: a slot of an account that is disabled is filled by nobody; its files stay', async () => {
  await using s = await stage()
  const romeo = await s.login()
  const [first, second] = [await s.slot(romeo), await s.slot(romeo)]
  const put = (url: string) => s.http('PUT', url, { 'content-length': '5' }, 'hello')
  await put(first.put)
  await s.server.hosts.get('home.test')!.accounts.disable(Jid.parse('romeo@home.test'))
  expect((await put(second.put)).status).toBe(404)
  expect((await s.http('GET', first.get)).body).toBe('hello')
  await isConsistent(s)
})

test('XEP-0363 §4: without a URL in the configuration files are at the HTTPS port under the name of the host', async () => {
  const https = { port: 0, address: '127.0.0.1' }
  await using s = await stage({ url: undefined }, { listen: { xmpp: https, xmpps: false, http: https, https } })
  const { get } = await s.slot(await s.login())
  expect(new URL(get).origin).toBe(`https://home.test:${s.port('https')}`)
})

test.each(['..', '.', 'a/../../b', 'C:\\x', 'a\u0000b', '?x#y', '%2e%2e%2f', '%', "a'(b)*.txt", '\u202Egpj.exe'])(
  'XEP-0363 §4: the name %j never becomes a path, and the file is found by its URL',
  async (filename) => {
    await using s = await stage()
    const romeo = await s.login()
    // What XML cannot say does not come.
    const { put, get } = await s.slot(romeo, { filename: filename.replace('\u0000', '\u007F') })
    expect((await s.http('PUT', put, {}, 'hello')).status).toBe(201)
    expect((await s.http('GET', get)).body).toBe('hello')
    expect(new URL(get).pathname.split('/')).toHaveLength(5)
    expect(s.files()).toEqual([expect.stringMatching(/kept\/[0-9a-f]{2}\/[0-9a-f]{40}$/)])
  },
)

test('XEP-0363 §9: whoever climbs about in paths, or guesses, finds nothing', async () => {
  await using s = await stage()
  const { put, get } = await s.slot(await s.login())
  await s.http('PUT', put, {}, 'hello')
  const [, , , id] = new URL(get).pathname.split('/')
  const base = '/upload/home.test'
  for (const path of [
    `${base}/../jackdaw.db`,
    `${base}/%2e%2e/%2e%2e/jackdaw.db`,
    `${base}/..%2f..%2f..%2fjackdaw.db/x`,
    `${base}/${id}`,
    `${base}/${id}/`,
    `${base}/${id}/a/b`,
    `${base}/${id!.toUpperCase()}0/a.txt`,
    `${base}/${id!.slice(0, 39)}/a.txt`,
    `${base}/${'0'.repeat(40)}/a.txt`,
    `${base}/__proto__/a.txt`,
    `${base}/`,
    '/upload/',
  ]) {
    const { status } = await s.http('GET', `https://x${path}`)
    expect([path, status]).toEqual([path, 404])
  }
})

test('XEP-0363 §6: a file that is too large is not acceptable, and the error tells the limit', async () => {
  await using s = await stage({ maxFileSize: '1 MiB', quota: '1 KiB' })
  const error = (await s.slot(await s.login(), { size: 1025 }).catch((one: unknown) => one)) as StanzaError
  expect([error.condition, error.type]).toEqual(['not-acceptable', 'modify'])
  expect(error.application?.name).toBe('file-too-large')
  expect(error.application?.child('max-file-size')?.text).toBe('1024')
})

test('XEP-0363 §6: beyond the quota there is a time to try again: when the oldest files are gone', async () => {
  await using s = await stage({ quota: '1 KiB', keep: '1 h' })
  const romeo = await s.login()
  const began = s.clock.now()
  const first = await s.slot(romeo, { size: 600 })
  expect((await s.http('PUT', first.put, {}, 'x'.repeat(600))).status).toBe(201)
  await s.clock.advance(minute)
  await s.slot(romeo, { size: 400 })
  const refused = async (size: number) => {
    const error = (await s.slot(romeo, { size }).catch((one: unknown) => one)) as StanzaError
    expect([error.condition, error.type, error.application?.name]).toEqual(['resource-constraint', 'wait', 'retry'])
    return Date.parse(error.application!.attr('stamp')!)
  }
  // A slot that nobody fills is given up before the file is.
  const afterSlot = await refused(100)
  expect(afterSlot).toBeGreaterThanOrEqual(began + 6 * minute)
  expect(afterSlot).toBeLessThan(began + 6 * minute + 1000)
  expect(await refused(700)).toBeGreaterThanOrEqual(began + 60 * minute)
  await s.clock.advance(5 * minute + 1000)
  await s.slot(romeo, { size: 100 })
  await isConsistent(s)
  // Another account has its own.
  await s.slot(await s.login('juliet'), { size: 1000 })
})

test('XEP-0363 §6: of one account only so many slots are open at once', async () => {
  await using s = await stage()
  const romeo = await s.login()
  for (let i = 0; i < 20; i++) await s.slot(romeo)
  await expect(s.slot(romeo)).rejects.toMatchObject({ condition: 'resource-constraint' })
  await s.clock.advance(5 * minute + 1)
  await s.slot(romeo)
  expect((await s.books()).slots).toBe(1)
})

test('XEP-0363 §5: a purpose that is not announced is refused: the file would stay longer than was asked for', async () => {
  await using s = await stage()
  const romeo = await s.login()
  await expect(s.slot(romeo, { purpose: 'ephemeral' })).rejects.toMatchObject({ condition: 'feature-not-implemented' })
})

test.each([
  [{ filename: 'ä'.repeat(128) }, 'not-acceptable'],
  [{ contentType: 'jpeg' }, 'bad-request'],
  [{ contentType: 'text/plain\r\nset-cookie: x' }, 'bad-request'],
])('XEP-0363 §4: a request with %j is %s', async (about, condition) => {
  await using s = await stage()
  await expect(s.slot(await s.login(), about)).rejects.toMatchObject({ condition })
})

test('XEP-0363 §7: a length, a type or a URL that is not that of the slot is refused, and costs only that request', async () => {
  await using s = await stage()
  const romeo = await s.login()
  const { put, get } = await s.slot(romeo, { contentType: 'image/png' })
  const tries: [number, string, Record<string, string>, string?][] = [
    [400, put, {}, 'hell'],
    [413, put, {}, 'hello!'],
    [411, put, { 'transfer-encoding': 'chunked' }, 'hello'],
    [415, put, { 'content-type': 'text/html' }, 'hello'],
    [415, put, { 'content-type': 'nonsense' }, 'hello'],
    [404, get, {}, 'hello'],
    [404, `${get}?${'0'.repeat(40)}`, {}, 'hello'],
    [404, put.replace(/[0-9a-f]{40}/, '0'.repeat(40)), {}, 'hello'],
  ]
  for (const [status, url, headers, body] of tries) {
    const length = headers['transfer-encoding'] ? {} : { 'content-length': String(body!.length) }
    expect((await s.http('PUT', url, { ...length, ...headers }, body)).status).toBe(status)
  }
  expect(s.files()).toEqual([])
  expect((await s.http('PUT', put, { 'content-type': 'image/png; x=y' }, 'hello')).status).toBe(201)
  expect((await s.http('GET', get)).headers['content-type']).toBe('image/png')
})

test('XEP-0363 §7: a file is put once', async () => {
  await using s = await stage()
  const { put, get } = await s.slot(await s.login())
  expect((await s.http('PUT', put, {}, 'first')).status).toBe(201)
  expect((await s.http('PUT', put, {}, 'later')).status).toBe(409)
  expect((await s.http('GET', get)).body).toBe('first')
  await isConsistent(s)
})

test('XEP-0363 §7: of two who put the same file at once the second is refused', async () => {
  await using s = await stage()
  const { put } = await s.slot(await s.login())
  const slow = s.begin('PUT', put, { 'content-length': 5, expect: '100-continue' })
  slow.flushHeaders()
  await once(slow, 'continue')
  expect((await s.http('PUT', put, {}, 'later')).status).toBe(409)
  slow.end('first')
  expect((await answerTo(slow)).status).toBe(201)
})

test('XEP-0363 §8: the time of a slot ends; a file that comes already may take longer', async () => {
  await using s = await stage()
  const romeo = await s.login()
  const late = await s.slot(romeo)
  const steady = 31_000
  const size = 11 * steady
  const begun = await s.slot(romeo, { size })
  const slow = s.begin('PUT', begun.put, { 'content-length': size, expect: '100-continue' })
  slow.flushHeaders()
  await once(slow, 'continue')
  for (let i = 1; i <= 11; i++) {
    slow.write('x'.repeat(steady))
    if (i === 11) break
    await expect.poll(() => s.bytes()).toBe(i * steady)
    await s.clock.advance(30_001)
  }
  expect((await s.http('PUT', late.put, {}, 'hello')).status).toBe(410)
  slow.end()
  expect((await answerTo(slow)).status).toBe(201)
})

test('an upload that breaks off leaves nothing but the slot, which may be tried again', async () => {
  await using s = await stage()
  const { put, get } = await s.slot(await s.login(), { size: 100_000 })
  const broken = s.begin('PUT', put, { 'content-length': 100_000, expect: '100-continue' })
  broken.on('error', () => {})
  broken.flushHeaders()
  await once(broken, 'continue')
  broken.write('x'.repeat(50_000))
  await expect.poll(() => s.files()).toHaveLength(1)
  broken.destroy()
  await expect.poll(() => s.files()).toEqual([])
  await isConsistent(s)
  expect((await s.http('PUT', put, {}, 'y'.repeat(100_000))).status).toBe(201)
  expect((await s.http('GET', get)).body).toBe('y'.repeat(100_000))
})

test('who only holds a connection open is cut', async () => {
  await using s = await stage()
  const { put } = await s.slot(await s.login(), { size: 100_000 })
  const slow = s.begin('PUT', put, { 'content-length': 100_000, expect: '100-continue' })
  slow.flushHeaders()
  await once(slow, 'continue')
  slow.write('x'.repeat(10_000))
  await expect.poll(() => s.files()).toHaveLength(1)
  const answered = answerTo(slow)
  await s.clock.advance(30_000)
  expect((await answered).status).toBe(408)
  await expect.poll(() => s.files()).toEqual([])
  slow.destroy()
})

test('files go when their time is over, and nothing reads accounts that have none so old', async () => {
  await using s = await stage({ keep: '1 h' })
  const romeo = await s.login()
  const old = await s.slot(romeo)
  await s.http('PUT', old.put, {}, 'hello')
  await s.clock.advance(50 * minute)
  const young = await s.slot(romeo)
  await s.http('PUT', young.put, {}, 'hello')
  for (let i = 0; i < 3; i++) await s.clock.advance(10 * minute)
  await expect.poll(() => s.files()).toHaveLength(1)
  expect((await s.http('GET', old.get)).status).toBe(404)
  expect((await s.http('GET', young.get)).status).toBe(200)
  await s.http('HEAD', young.get)
  await isConsistent(s)
  expect((await s.books()).all).toMatchObject({ bytes: 5, files: 1, slots: 0 })
  const { body: metrics } = await s.http('GET', 'https://files.home.test/metrics')
  const figures = { downloads_total: 1, expired_total: 1, files_total: 2, bytes_total: 10, rejected_total: 0 }
  for (const [name, value] of Object.entries(figures))
    expect(metrics).toContain(`jackdaw_upload_${name}{host="home.test"} ${value}\n`)
})

test('XEP-0077 §3.2: an account’s files go with it, those that are coming too', async () => {
  await using s = await stage()
  const romeo = await s.login()
  const kept = await s.slot(romeo)
  await s.http('PUT', kept.put, {}, 'hello')
  const open = await s.slot(romeo)
  const begun = await s.slot(romeo, { size: 100_000 })
  const slow = s.begin('PUT', begun.put, { 'content-length': 100_000, expect: '100-continue' })
  slow.flushHeaders()
  await once(slow, 'continue')
  slow.write('x'.repeat(10_000))
  await expect.poll(() => s.files()).toHaveLength(2)
  const juliets = await s.slot(await s.login('juliet'))
  await s.http('PUT', juliets.put, {}, 'hello')
  const answered = answerTo(slow)
  await s.server.hosts.get('home.test')!.accounts.remove(Jid.parse('romeo@home.test'))
  expect((await answered).status).toBe(503)
  slow.destroy()
  expect((await s.http('GET', kept.get)).status).toBe(404)
  expect((await s.http('PUT', open.put, {}, 'hello')).status).toBe(404)
  expect(s.files()).toHaveLength(1)
  expect((await s.books()).all).toMatchObject({ bytes: 5, files: 1, slots: 0 })
  expect((await s.http('GET', juliets.get)).body).toBe('hello')
})

test('who put a file may remove it, with the URL of the slot', async () => {
  await using s = await stage()
  const { put, get } = await s.slot(await s.login())
  await s.http('PUT', put, {}, 'hello')
  expect((await s.http('DELETE', get)).status).toBe(404)
  expect((await s.http('DELETE', put)).status).toBe(204)
  expect((await s.http('GET', get)).status).toBe(404)
  expect((await s.http('DELETE', put)).status).toBe(404)
  expect(s.files()).toEqual([])
  await isConsistent(s)
  expect((await s.books()).all.files).toBe(0)
})

test('XEP-0363 §6: those of other domains, and those who have no account, may not upload', async () => {
  const port = { port: 0, address: '127.0.0.1' }
  const hosts = {
    'home.test': { plaintext: true, modules: { upload: { url: 'https://files.home.test' } } },
    'away.test': { plaintext: true, anonymous: true },
  }
  await using s = await stage({}, { hosts, listen: { xmpp: port, xmpps: false, http: port, https: false } })
  await s.server.hosts.get('away.test')!.accounts.create(Jid.parse('tybalt@away.test'), 'pencil')
  const tybalt = await s.login('tybalt', 'away.test')
  await expect(s.slot(tybalt)).rejects.toMatchObject({ condition: 'forbidden', type: 'auth' })
})

test('what a killed server left half is mended at the next start: only one folder is looked at', async () => {
  await using s = await stage()
  const romeo = await s.login()
  const { put, get } = await s.slot(romeo)
  const open = await s.slot(romeo)
  await s.http('PUT', put, {}, 'hello')
  const incoming = join(s.data, 'files/home.test/upload/incoming')
  await s.restart(async () => {
    // Known to be there, and not yet moved; half of what a slot is for; of nobody.
    await rename(s.files()[0]!, join(incoming, idOf(get)))
    await writeFile(join(incoming, idOf(open.get)), 'he')
    await writeFile(join(incoming, 'f'.repeat(40)), 'half')
  })
  expect((await s.http('GET', get)).body).toBe('hello')
  await isConsistent(s)
  expect((await s.http('PUT', open.put, {}, 'again')).status).toBe(201)
})

function idOf(url: string): string {
  return new URL(url).pathname.split('/')[3]!
}
