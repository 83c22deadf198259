import { type Actor, scenario } from '@jackdaw/testkit'
import { DiscoInfo, DiscoItems, type Element, Form } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { blocking } from './blocking/blocking.ts'
import { disco } from './disco.ts'
import { search } from './search.ts'

const modules = [search, disco, blocking]
const accounts = {
  romeo: ['orchard'],
  juliet: ['balcony'],
  tybalt: ['street'],
  nurse: ['house'],
  'iago@away.test': ['venice'],
}
const config = (fields: Record<string, unknown> = {}) => ({
  hosts: { 'home.test': { modules: { search: fields } }, 'away.test': { modules: { search: false } } },
})
const card = (client: Actor, given: string, family: string, nick: string, email: string) =>
  client.asks(`<iq type='set'><vCard xmlns='vcard-temp'><N><GIVEN>${given}</GIVEN><FAMILY>${family}</FAMILY></N>
    <NICKNAME>${nick}</NICKNAME><EMAIL><USERID>${email}</USERID></EMAIL></vCard></iq>`)
const query = (inner: string) =>
  `<iq type='set' to='users.home.test'><query xmlns='jabber:iq:search'>${inner}</query></iq>`

async function directory(fields = {}) {
  const s = await scenario({ accounts, modules, config: config(fields) })
  await card(s.balcony, 'Juliet', 'Capulet', 'JuliC', 'juliet@shakespeare.lit')
  await card(s.street, 'Tybalt', 'Capulet', 'Prince of Cats', 'tybalt@shakespeare.lit')
  return s
}

async function found(client: Actor, inner: string): Promise<(string | undefined)[]> {
  return (await client.asks(query(inner)))
    .first()!
    .elements()
    .map((item) => item.attr('jid'))
}

test('XEP-0055: the directory is found, and says what it is', async () => {
  await using s = await directory()
  const items = await s.orchard.asks(
    "<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
  )
  expect(DiscoItems.read(items.first()!).items.map(({ jid }) => String(jid))).toEqual(['users.home.test'])
  const info = await s.orchard.asks(
    "<iq type='get' to='users.home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  expect(DiscoInfo.read(info.first()!)).toMatchObject({
    identities: [{ category: 'directory', type: 'user' }],
    features: expect.arrayContaining(['jabber:iq:search']),
  })
})

test('XEP-0055 §2.1: it tells by what people are found', async () => {
  await using s = await directory()
  const answer = await s.orchard.asks("<iq type='get' to='users.home.test'><query xmlns='jabber:iq:search'/></iq>")
  const fields = (answer.first() as Element).elements()
  const names = fields.map((field) => field.name)
  expect(names).toEqual(['instructions', 'first', 'last', 'nick', 'email', 'x'])
})

test('XEP-0055 §2.1: those are found of whom all of it is true, in any writing', async () => {
  await using s = await directory()
  expect(await found(s.orchard, '<last>cápul</last>')).toEqual(['juliet@home.test', 'tybalt@home.test'])
  expect(await found(s.orchard, '<last>Capulet</last><nick>CATS</nick>')).toEqual(['tybalt@home.test'])
  expect(await found(s.orchard, '<last>Capulet</last><nick>romeo</nick>')).toEqual([])
  const answer = await s.orchard.asks(query('<first>juliet</first>'))
  expect(String(answer.first())).toBe(
    "<query xmlns='jabber:iq:search'><item jid='juliet@home.test'><first>Juliet</first><last>Capulet</last><nick>JuliC</nick><email>juliet@shakespeare.lit</email></item></query>",
  )
})

test('XEP-0055 §3: a form is answered with a form', async () => {
  await using s = await directory()
  const answer = await s.orchard.asks(
    query(`<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>jabber:iq:search</value></field>
      <field var='nick'><value>cats</value></field></x>`),
  )
  const form = Form.read(answer.first()!.first()!)
  expect(form.reported!.map((field) => field.var)).toEqual(['jid', 'first', 'last', 'nick', 'email'])
  expect(form.items!.map((item) => item.map(({ values }) => values![0]))).toEqual([
    ['tybalt@home.test', 'Tybalt', 'Capulet', 'Prince of Cats', 'tybalt@shakespeare.lit'],
  ])
})

test('who has said nothing of itself is not found, nor is an email address by a part of it', async () => {
  await using s = await directory()
  expect(await found(s.orchard, '<nick>nurse</nick>')).toEqual([])
  expect(await found(s.orchard, '<email>shakespeare</email>')).toEqual([])
  expect(await found(s.orchard, '<email>Juliet@shakespeare.lit</email>')).toEqual(['juliet@home.test'])
  await s.balcony.asks("<iq type='set'><vCard xmlns='vcard-temp'/></iq>")
  expect(await found(s.orchard, '<first>juliet</first>')).toEqual([])
})

test('XEP-0191 §4: who blocks the asker is not found', async () => {
  await using s = await directory()
  await s.street.asks("<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='romeo@home.test'/></block></iq>")
  expect(await found(s.orchard, '<last>capulet</last>')).toEqual(['juliet@home.test'])
  expect(await found(s.house, '<last>capulet</last>')).toEqual(['juliet@home.test', 'tybalt@home.test'])
})

test.each([
  ['nothing', ''],
  ['too little', '<first>j</first>'],
  ['too little of one', '<last>Capulet</last><first>j</first>'],
])('who looks for %s gets nobody', async (_, inner) => {
  await using s = await directory()
  await expect(s.orchard.asks(query(inner))).rejects.toMatchObject({ condition: 'not-acceptable' })
})

test.each([
  ["<x xmlns='jabber:x:data' type='form'/>"],
  ["<x xmlns='jabber:x:data'/>"],
  ["<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:x</value></field></x>"],
])('XEP-0055 §3: %s is no answer to the form', async (inner) => {
  await using s = await directory()
  await expect(s.orchard.asks(query(inner))).rejects.toMatchObject({ condition: 'bad-request' })
})

test('the directory is for accounts of its host', async () => {
  await using s = await directory()
  for (const type of ['get', 'set'])
    await expect(
      s.venice.asks(
        `<iq type='${type}' to='users.home.test'><query xmlns='jabber:iq:search'><last>Capulet</last></query></iq>`,
      ),
    ).rejects.toMatchObject({ condition: 'forbidden' })
})

test('there are limits: results of a search, searches within an hour', async () => {
  await using s = await directory({ results: 1, perHour: 2 })
  expect(await found(s.orchard, '<last>capulet</last>')).toHaveLength(1)
  await found(s.orchard, '<last>capulet</last>')
  await expect(found(s.orchard, '<last>capulet</last>')).rejects.toMatchObject({ condition: 'resource-constraint' })
  await found(s.house, '<last>capulet</last>')
})
