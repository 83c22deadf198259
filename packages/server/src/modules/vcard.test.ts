import { createHash } from 'node:crypto'
import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { disco } from './disco.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'
import { vcard } from './vcard.ts'

const modules = [vcard, subscriptions, disco]
const accounts = { juliet: ['balcony', 'chamber'], romeo: ['orchard'] }
const juliet = 'juliet@home.test'
const data = Buffer.from('an image').toString('base64')
const hash = createHash('sha1').update('an image').digest('hex')
const photo = `<PHOTO><TYPE>image/png</TYPE><BINVAL>\n${data}\n</BINVAL></PHOTO>`
const own = '<N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN></N>'
const set = (inner: string, to = '') =>
  `<iq type='set'${to && ` to='${to}'`}><vCard xmlns='vcard-temp'>${inner}</vCard></iq>`
const get = (to = '') => `<iq type='get'${to && ` to='${to}'`}><vCard xmlns='vcard-temp'/></iq>`
const x = (inner: string) => `<x xmlns='vcard-temp:x:update'>${inner}</x>`

async function read(client: Actor, to = ''): Promise<string> {
  return String((await client.asks(get(to))).first()!)
}

/** Romeo sees Juliet's presence. */
async function evening(options = {}) {
  const s = await scenario({ accounts, modules, ...options })
  for (const client of Object.values(s.clients)) client.comes()
  s.orchard.says(`<presence to='${juliet}' type='subscribe'/>`)
  await s.balcony.awaits(`<presence type='subscribe'/>`)
  s.balcony.says(`<presence to='romeo@home.test' type='subscribed'/>`)
  await s.orchard.awaits(`<presence from='${juliet}/chamber'/>`)
  await settle(s)
  return s
}

async function settle(s: Scenario): Promise<void> {
  for (const client of Object.values(s.clients)) await client.sync()
  for (const client of Object.values(s.clients)) client.clear()
}

test('XEP-0054 §3.1–3.3: a vCard is kept as it is, for its owner and for others, also after a restart', async () => {
  await using s = await scenario({ accounts, modules })
  await s.balcony.asks(set(own))
  await s.balcony.asks(set(`${own}<FN>Juliet</FN>`))
  await s.stop()
  await s.start()
  const text = `<vCard xmlns='vcard-temp'>${own}<FN>Juliet</FN></vCard>`
  expect(await read(await s.login('juliet', 'chamber'))).toBe(text)
  expect(await read(await s.login('romeo', 'orchard'), juliet)).toBe(text)
})

test('XEP-0054 §3.1: who has no vCard is told so', async () => {
  await using s = await scenario({ accounts, modules })
  await expect(s.balcony.asks(get())).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('XEP-0054 §3.3: nobody learns whether an account without a vCard exists', async () => {
  await using s = await scenario({ accounts, modules })
  const answers = []
  for (const to of ['romeo@home.test', 'nobody@home.test']) {
    s.balcony.says(`<iq type='get' id='1' to='${to}'><vCard xmlns='vcard-temp'/></iq>`)
    answers.push(String(await s.balcony.stanza()).replace(to, ''))
  }
  expect(answers[0]).toContain('<service-unavailable')
  expect(answers[0]).toBe(answers[1])
})

test("XEP-0054 §3.2: nobody changes another's vCard", async () => {
  await using s = await scenario({ accounts, modules })
  for (const to of [juliet, 'nobody@home.test'])
    await expect(s.orchard.asks(set(own, to))).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0054 §4: the server and its accounts say that there are vCards', async () => {
  await using s = await scenario({ accounts, modules })
  for (const to of ['home.test', juliet])
    expect(
      String(
        await s.balcony.asks(`<iq type='get' to='${to}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
      ),
    ).toContain("var='vcard-temp'")
})

test('a vCard has a limit, and what is refused leaves what was', async () => {
  const config = { hosts: { 'home.test': { modules: { vcard: { size: '1 KiB' } } } } }
  await using s = await scenario({ accounts, modules, config })
  await s.balcony.asks(set(own))
  await expect(s.balcony.asks(set(`<DESC>${'x'.repeat(1024)}</DESC>`))).rejects.toMatchObject({
    condition: 'policy-violation',
  })
  expect(await read(s.balcony)).toContain(own)
})

test('vCards can be for those alone who see the presence', async () => {
  await using s = await evening({
    config: { hosts: { 'home.test': { modules: { vcard: { access: 'subscribers' } } } } },
  })
  await s.balcony.asks(set(own))
  await s.orchard.asks(set(own))
  expect(await read(s.orchard, juliet)).toContain(own)
  expect(await read(s.balcony)).toContain(own)
  await expect(s.balcony.asks(get('romeo@home.test'))).rejects.toMatchObject({ condition: 'service-unavailable' })
})

test('XEP-0153 §3.1, XEP-0398 §4: who sees the presence is told of another avatar by its hash', async () => {
  await using s = await evening()
  await s.balcony.asks(set(photo))
  for (const resource of ['balcony', 'chamber'])
    await s.orchard.hears(`<presence from='${juliet}/${resource}'>${x(`<photo>${hash}</photo>`)}</presence>`)
  await s.balcony.asks(set(photo + own))
  await s.orchard.hearsNothing()
  await s.balcony.asks(set(own))
  for (const resource of ['balcony', 'chamber'])
    await s.orchard.hears(`<presence from='${juliet}/${resource}'>${x('<photo/>')}</presence>`)
})

test('XEP-0398 §4: every available presence tells the hash, directed or not, but that of a client that shows none', async () => {
  await using s = await evening()
  await s.balcony.asks(set(photo))
  await settle(s)
  const to = `to='romeo@home.test/orchard'`
  for (const [sent, heard] of [
    ['', hash],
    [x(''), hash],
    [x('<photo>0123</photo>'), hash],
    [x(`<photo>${hash}</photo>`), hash],
    [x('<photo/>'), ''],
  ])
    for (const address of ['', to]) {
      s.balcony.says(`<presence ${address}>${sent}</presence>`)
      const presence = await s.orchard.stanza()
      expect(presence.elements().map(String)).toEqual([
        `<x xmlns='vcard-temp:x:update'>${heard ? `<photo>${heard}</photo>` : '<photo/>'}</x>`,
      ])
    }
  s.balcony.says(`<presence ${to} type='unavailable'/>`)
  expect((await s.orchard.stanza()).elements()).toEqual([])
})

test('XEP-0398 §4: a client that says it shows no avatar is believed when the vCard gets one', async () => {
  await using s = await evening()
  s.balcony.says(`<presence>${x('<photo/>')}</presence>`)
  s.chamber.says(`<presence type='unavailable'/>`)
  await settle(s)
  await s.balcony.asks(set(photo))
  await s.orchard.hearsNothing()
})

test('XEP-0398 §4: without an avatar a presence is left as it is, but for the hash of an old one', async () => {
  await using s = await evening()
  s.balcony.says(`<presence><status>hi</status></presence>`)
  expect((await s.orchard.stanza()).elements()).toHaveLength(1)
  s.balcony.says(`<presence>${x('<photo>0123</photo>')}</presence>`)
  await s.orchard.hears(`<presence>${x('<photo/>')}</presence>`)
})

test('XEP-0398 §4: the hash is known after a restart, and by sessions that outlive it', async () => {
  await using s = await evening({ resume: true })
  await s.balcony.asks(set(photo))
  await settle(s)
  s.crash()
  await s.start()
  for (const client of [s.balcony, s.orchard]) await client.connect()
  s.balcony.comes()
  await s.orchard.awaits(`<presence from='${juliet}/balcony'>${x(`<photo>${hash}</photo>`)}</presence>`)
  const garden = await s.login('juliet', 'garden')
  garden.comes()
  await s.orchard.awaits(`<presence from='${juliet}/garden'>${x(`<photo>${hash}</photo>`)}</presence>`)
})
