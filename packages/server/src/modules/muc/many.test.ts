import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from '@jackdaw/server'
import { Client, tcp } from '@jackdaw/testkit'
import { DiscoItems, Jid, RsmRequest, xml } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule, map } from '../../module.ts'
import { defaultConfig } from './config-form.ts'

const many = 100_000
const listen = { xmpp: { port: 0, address: '127.0.0.1' }, xmpps: false, http: false, https: false } as const
const nameOf = (i: number) => `r${String(i).padStart(6, '0')}@rooms.localhost`

/** Writes what that many persistent rooms keep, as the module of that name would have. */
const filler = defineModule({
  name: 'muc',
  stores: { rooms: map<any>(), affiliations: map<any>(), listed: map<string>() },
  start({ stores }) {
    for (let i = 0; i < many; i++) {
      const room = nameOf(i)
      const record = {
        config: { ...defaultConfig, isPersistent: true },
        isLocked: false,
        secret: 'x',
        creator: 'a@localhost',
      }
      void stores.rooms.edit(room, 'room', () => record)
      void stores.affiliations.edit(room, 'romeo@localhost', () => ({ affiliation: 'owner' }))
      void stores.listed.edit(room, 'room', () => `Room ${i}`)
    }
  },
})

const open = async (data: string, parts = {}): Promise<Server> =>
  createServer(
    { data, listen, hosts: { localhost: { plaintext: true } } },
    { log: pino({ level: 'silent' }), ...parts },
  )

const inMemory = async (server: Server) =>
  (await server.metrics.registry.getMetricsAsJSON()).find(({ name }) => name === 'jackdaw_muc_rooms')!.values[0]!.value

test('100,000 rooms: a start reads none of them, each is there when it is asked for, their list is read in pages', async () => {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-rooms-'))
  let server: Server | undefined
  onTestFinished(async () => {
    await server?.stop()
    await rm(data, { recursive: true })
  })
  await (await open(data, { modules: [filler] })).stop()
  server = await open(data)
  const [listening] = await server.start()
  const { port } = listening!
  expect(await inMemory(server)).toBe(0)
  await server.hosts.get('localhost')!.accounts.create(Jid.parse('romeo@localhost'), 'pencil')
  const romeo = new Client({ jid: 'romeo@localhost/r', password: 'pencil', connect: tcp(port) })
  await romeo.connect()
  romeo.send(`<presence to='${nameOf(many - 1)}/romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  const own = await romeo.stanza()
  expect(own.child('x', 'http://jabber.org/protocol/muc#user')!.child('item')!.attr('affiliation')).toBe('owner')
  expect(await inMemory(server)).toBe(1)
  const page = async (after: string) => {
    const wish = RsmRequest.write({ max: 3, after })
    const query = xml('query', 'http://jabber.org/protocol/disco#items', {}, wish)
    const answer = await romeo.ask('get', query, Jid.parse('rooms.localhost'))
    return DiscoItems.read(answer.first()!).items.map(({ name }) => name)
  }
  expect(await page(nameOf(54_321))).toEqual(['Room 54322', 'Room 54323', 'Room 54324'])
  expect(await page(nameOf(many - 2))).toEqual([`Room ${many - 1}`])
  expect(await inMemory(server)).toBe(1)
  await romeo.close()
})
