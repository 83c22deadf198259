import type { Actor } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { archive } from './archive.ts'
import { stage } from './rest-api/fixture.ts'

const juliet = 'juliet@home.test'
const path = `/accounts/${juliet}/archive`

/** An archive with so many messages, one a minute, every third of them exchanged with somebody else. */
async function opened(count: number) {
  const play = await stage()
  const start = play.s.clock.now()
  const { log } = play.s.server.hosts.get('home.test')!.modules.api(archive)!
  for (let i = 0; i < count; i++) {
    const from = i % 3 === 0 ? 'nurse@home.test' : 'romeo@home.test'
    const value = `<message xmlns='jabber:client' from='${from}/x' to='${juliet}' type='chat'><body>${i}</body></message>`
    log.append(juliet, { value, at: start + i * 60_000, with: from })
  }
  await play.s.server.kept()
  const bodies = (lines: readonly unknown[]) =>
    lines.map((line) => Number(/<body>(\d+)<\/body>/.exec((line as { xml: string }).xml)?.[1] ?? -1))
  const at = (i: number) => new Date(start + i * 60_000).toISOString()
  return { ...play, log, bodies, at, balcony: play.s.clients['balcony'] as Actor }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('an archive is exported whole, or a span of it, or what is behind a message', async () => {
  const { ask, bodies, at, s } = await opened(1000)
  const { lines } = await ask('GET', path)
  expect(bodies(lines)).toEqual(range(0, 1000))
  expect(lines[1]).toMatchObject({ at: at(1), with: 'romeo@home.test' })
  const query = async (text: string) => bodies((await ask('GET', `${path}?${text}`)).lines)
  expect(await query(`start=${at(10)}&end=${at(400)}`)).toEqual(range(10, 401))
  expect(await query(`start=${encodeURIComponent(at(990).replace('Z', '+00:00'))}`)).toEqual(range(990, 1000))
  expect(await query('with=nurse@home.test')).toEqual(range(0, 1000).filter((i) => i % 3 === 0))
  expect(await query(`after=${(lines[700] as { id: string }).id}`)).toEqual(range(701, 1000))
  expect((await ask('GET', `${path}?after=none`)).status).toBe(400)
  expect((await ask('GET', `${path}?start=yesterday`)).status).toBe(400)
  expect((await ask('GET', '/accounts/nobody@home.test/archive')).status).toBe(404)
  expect((await ask('GET', '/accounts/romeo@home.test/archive')).lines).toEqual([])
  expect((await s.server.hosts.get('home.test')!.audit.last(1))[0]!.act).toEqual({
    by: 'token all',
    did: 'exported the archive of',
    to: 'romeo@home.test',
  })
})

test('it is read as fast as it is taken, ends with its client or its token, and outlives the loss of what was just told', async () => {
  const { http, log, api, bodies } = await opened(1000)
  let reads = 0
  const { page } = log
  log.page = (owner, query) => {
    reads++
    return page.call(log, owner, query)
  }
  const decoder = new TextDecoder()
  const open = async () => (await http('GET', path)).body!.getReader()
  const read = async (reader: ReadableStreamDefaultReader<Uint8Array>) => {
    const { value } = await reader.read()
    return (
      value &&
      bodies(
        decoder
          .decode(value)
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      )
    )
  }
  const reader = await open()
  expect(await read(reader)).toEqual(range(0, 250))
  expect(reads).toBe(1)
  await log.trim(juliet, { max: 300 })
  expect(await read(reader)).toEqual(range(300, 550))
  await reader.cancel()
  expect(reads).toBeLessThanOrEqual(3)
  const other = await open()
  await read(other)
  api().revokeToken('all')
  await expect(other.read()).rejects.toThrow('aborted')
})

test('an archive is erased: a span keeps ids, times and addresses, the beginning and the whole go without a trace', async () => {
  const { ask, bodies, at, s } = await opened(30)
  const erase = async (query = '') => (await ask('DELETE', path + query)).json
  const left = async () => bodies((await ask('GET', path)).lines)
  expect(await erase(`?start=${at(5)}&end=${at(7)}`)).toEqual({ erased: 3 })
  expect((await left()).slice(4, 9)).toEqual([4, -1, -1, -1, 8])
  expect(await erase('?with=nurse@home.test')).toEqual({ erased: 9 })
  expect((await left()).slice(0, 4)).toEqual([-1, 1, 2, -1])
  expect(await erase(`?end=${at(9)}`)).toEqual({ erased: 10 })
  expect((await left()).slice(0, 3)).toEqual([10, 11, -1])
  expect(await erase()).toEqual({ erased: 20 })
  expect(await left()).toEqual([])
  expect((await ask('DELETE', '/accounts/nobody@home.test/archive')).status).toBe(404)
  const acts = await s.server.hosts.get('home.test')!.audit.last(99)
  expect(acts.filter(({ act }) => act.did === 'erased from the archive of')).toHaveLength(4)
})
