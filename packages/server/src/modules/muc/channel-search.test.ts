import type { Element } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { configured, entered, witches, type Witches } from './fixture.ts'
import type { Actor } from '@jackdaw/testkit'

const ns = 'urn:xmpp:channel-search:0'
const service = 'rooms.home.test'

function search(client: Actor, fields: Readonly<Record<string, string>>, set = '') {
  const written = Object.entries({ FORM_TYPE: `${ns}:search-params`, ...fields }).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  return client.asks(
    `<iq to='${service}' type='get'><search xmlns='${ns}:search'>${set}<x xmlns='jabber:x:data' type='submit'>${written.join('')}</x></search></iq>`,
  )
}

async function found(client: Actor, fields: Readonly<Record<string, string>>): Promise<string[]> {
  return names((await search(client, fields)).first()!)
}

function names(result: Element): string[] {
  return result.elements().flatMap((item) => item.attr('address')?.split('@')[0] ?? [])
}

/** Two people on the heath, one in the castle; nobody finds the crypt. */
async function places(): Promise<Witches> {
  const play = await witches()
  await entered(play.desktop, 'first', '', `heath@${service}`)
  await configured(
    play.desktop,
    { roomname: 'Blasted Heath', roomdesc: 'Fog and filthy air', lang: 'en' },
    `heath@${service}`,
  )
  await entered(play.laptop, 'second', '', `heath@${service}`)
  await entered(play.desktop, 'first', '', `castle@${service}`)
  const locked = { roomname: 'Castle', membersonly: '1', whois: 'anyone' }
  await configured(play.desktop, locked, `castle@${service}`)
  await entered(play.desktop, 'first', '', `crypt@${service}`)
  await configured(play.desktop, { roomname: 'Heath crypt', publicroom: '0' }, `crypt@${service}`)
  return play
}

test('XEP-0433 §4.1, §4.2.1: the service says that it can, and what can be asked', async () => {
  const play = await witches()
  const info = await play.pda.asks(
    `<iq to='${service}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  expect(
    info
      .first()!
      .elements()
      .map((feature) => feature.attr('var')),
  ).toContain(`${ns}:search`)
  const form = await play.pda.asks(`<iq to='${service}' type='get'><search xmlns='${ns}:search'/></iq>`)
  const fields = form
    .first()!
    .first()!
    .elements()
    .map((field) => field.attr('var'))
  expect(fields).toEqual(['FORM_TYPE', 'q', 'all', 'sinname', 'sindescription', 'sinaddr', 'min_users', 'types', 'key'])
})

test.each<[Readonly<Record<string, string>>, string[]]>([
  [{ all: 'true' }, ['heath', 'castle']],
  [{ all: 'true', key: `{${ns}:order}address` }, ['castle', 'heath']],
  [{ all: '1', min_users: '2' }, ['heath']],
  [{ all: '1', types: 'xep-0369' }, []],
  [{ q: 'HEATH' }, ['heath']],
  [{ q: 'filthy  fog' }, ['heath']],
  [{ q: 'filthy castle' }, []],
  [{ q: 'fog', sindescription: 'false' }, []],
  [{ q: 'castle@', sinname: '0' }, ['castle']],
  [{ q: 'castle', sinname: '0', sinaddr: '0' }, []],
  [{ q: 'crypt' }, []],
])('XEP-0433 §4.2.2: %j finds %j', async (fields, rooms) => {
  const play = await places()
  expect(await found(play.pda, fields)).toEqual(rooms)
})

test('XEP-0433 §5.2: what is told of a room', async () => {
  const play = await places()
  const of = async (q: string) =>
    (await search(play.pda, { q }))
      .first()!
      .first()!
      .elements()
      .map(({ name, text }) => `${name}: ${text}`)
  expect(await of('heath')).toEqual([
    'name: Blasted Heath',
    'description: Fog and filthy air',
    'language: en',
    'nusers: 2',
    'service-type: xep-0045',
    'is-open: true',
    'anonymity-mode: muc_semianonymous',
  ])
  expect(await of('castle')).toEqual([
    'name: Castle',
    'nusers: 1',
    'service-type: xep-0045',
    'is-open: false',
    `anonymity-mode: {${ns}:anonymity}none`,
  ])
})

test.each(['address', 'nusers'])(
  'XEP-0433 §4.2.2.1, XEP-0059 §2.1: page after page in the order of %s',
  async (order) => {
    const play = await places()
    const fields = { all: 'true', key: `{${ns}:order}${order}` }
    const pages: string[][] = []
    for (let after = ''; pages.length < 3;) {
      const set = `<set xmlns='http://jabber.org/protocol/rsm'><max>1</max>${after}</set>`
      const result = (await search(play.pda, fields, set)).first()!
      pages.push(
        result
          .elements()
          .filter(({ name }) => name === 'item')
          .map((one) => one.attr('address')!.split('@')[0]!),
      )
      const last = result.child('set', 'http://jabber.org/protocol/rsm')!.child('last')
      if (!last) break
      after = `<after>${last.text}</after>`
    }
    expect(pages).toEqual(order === 'address' ? [['castle'], ['heath']] : [['heath'], ['castle']])
  },
)

test.each<[Readonly<Record<string, string>>, string, string]>([
  [{}, 'bad-request', 'no-search-conditions'],
  [{ q: 'heath', all: 'true' }, 'bad-request', 'conflicting-fields'],
  [{ q: ' ?! ' }, 'bad-request', 'invalid-search-terms'],
  [{ q: 'heath', key: 'beauty' }, 'feature-not-implemented', 'invalid-sort-key'],
])('XEP-0433 §4.2.2: %j is refused with %s and %s', async (fields, condition, application) => {
  const play = await witches()
  await expect(search(play.pda, fields)).rejects.toMatchObject({
    condition,
    application: { name: application, ns: `${ns}:error` },
  })
})

test.each([
  `<x xmlns='jabber:x:data' type='form'/>`,
  `<x xmlns='jabber:x:data' type='submit'><field var='q'><value>x</value></field></x>`,
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${ns}:search-params</value></field><field var='q'><value>x</value></field><field var='min_users'><value>-1</value></field></x>`,
])('XEP-0433 §4.2.2: %s is a bad request', async (form) => {
  const play = await witches()
  const asked = play.pda.asks(`<iq to='${service}' type='get'><search xmlns='${ns}:search'>${form}</search></iq>`)
  await expect(asked).rejects.toMatchObject({ condition: 'bad-request' })
})

test('XEP-0059 §2.2: a page behind a room that is not there any more is not found', async () => {
  const play = await witches()
  const set = `<set xmlns='http://jabber.org/protocol/rsm'><after>moor@${service}</after></set>`
  await expect(search(play.pda, { all: '1' }, set)).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('XEP-0433 §4.2.2.4: one search of a user at a time', async () => {
  const play = await places()
  const asked = await Promise.allSettled([play.laptop, play.tablet].map((client) => search(client, { all: '1' })))
  expect(asked.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(asked.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { condition: 'resource-constraint', type: 'wait', application: { name: 'rate-limit' } },
  })
})
