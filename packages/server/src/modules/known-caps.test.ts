import { createHash } from 'node:crypto'
import { type Actor, scenario } from '@jackdaw/testkit'
import { Caps, CapsHashes, capsHashText, capsText, DiscoInfo, iq, type Presence } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule } from '../module.ts'
import { knownCaps } from './known-caps.ts'
import { presence } from './presence/presence.ts'

const accounts = { romeo: ['phone', 'laptop'], juliet: ['balcony'] }

/** Asks for what each available resource can do, as modules do. */
function curious() {
  const learnt: string[] = []
  let ask!: (jid: Actor) => readonly string[]
  const module = defineModule({
    name: 'curious',
    needs: [presence, knownCaps],
    start(host) {
      const { features, onLearnt } = host.use(knownCaps)
      host.onStop(onLearnt((jid: { toString(): string }) => void learnt.push(jid.toString())))
      ask = ({ jid }) => [...features(jid, host.session(jid)!.presence as Presence)]
    },
  })
  return { module, learnt, ask: (actor: Actor) => ask(actor) }
}

async function opened(config = {}, resume = false) {
  const { module, learnt, ask } = curious()
  const stage = await scenario({
    accounts,
    resume,
    modules: [presence, knownCaps, module],
    config: { hosts: { 'home.test': { modules: { 'known-caps': config } } } },
  })
  onTestFinished(() => stage.stop())
  const [phone, laptop, balcony] = [stage['phone'], stage['laptop'], stage['balcony']] as Actor[]
  return { stage, learnt, ask, phone: phone!, laptop: laptop!, balcony: balcony! }
}

const info: DiscoInfo = {
  identities: [{ category: 'client', type: 'phone' }],
  features: ['urn:a', 'urn:b'],
  forms: [],
}
const sha1 = createHash('sha1').update(capsText(info)).digest('base64')
const sha256 = createHash('sha256')
  .update(capsHashText(DiscoInfo.write(info))!)
  .digest('base64')
const caps = String(Caps.write({ hash: 'sha-1', node: 'urn:test', ver: sha1 }))

async function comes(client: Actor, content = caps) {
  client.says(`<presence>${content}</presence>`)
  await client.sync()
  client.clear()
}

/** Hears the question for that node, and answers it. */
async function answers(client: Actor, node: string, said = DiscoInfo.write({ ...info, node })) {
  const asked = await client.awaits(
    `<iq type='get' from='home.test'><query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/></iq>`,
  )
  client.send(iq({ type: 'result', id: asked.id, to: asked.from }, said))
  await client.sync()
}

test('XEP-0115 §5.4: a hash is asked for once, verified, and known from then on', async () => {
  const { phone, laptop, balcony, learnt, ask } = await opened()
  for (const client of [phone, laptop, balcony]) await comes(client)
  expect([ask(phone), ask(laptop)]).toEqual([[], []])
  await answers(phone, `urn:test#${sha1}`)
  expect(learnt).toEqual([String(phone.jid), String(laptop.jid)])
  expect([ask(phone), ask(laptop), ask(balcony)]).toEqual([info.features, info.features, info.features])
  for (const client of [laptop, balcony]) await client.hearsNothing()
})

test('XEP-0115 §5.4 item 3.9: what does not fit is not believed, and the next one who claims it is asked', async () => {
  const { phone, laptop, learnt, ask } = await opened()
  for (const client of [phone, laptop]) await comes(client)
  ask(phone)
  ask(laptop)
  await answers(phone, `urn:test#${sha1}`, DiscoInfo.write({ ...info, features: ['urn:a', 'urn:evil'] }))
  expect([ask(phone), learnt]).toEqual([[], []])
  await answers(laptop, `urn:test#${sha1}`)
  expect([ask(phone), learnt]).toEqual([['urn:a', 'urn:b'], [String(laptop.jid)]])
  await phone.hearsNothing()
})

test('XEP-0115 §5.4 item 3.4: who says something twice may want to be taken for another', async () => {
  const { phone, ask } = await opened()
  const twice = { ...info, features: ['urn:a', 'urn:a'] }
  const ver = createHash('sha1').update(capsText(twice)).digest('base64')
  await comes(phone, String(Caps.write({ hash: 'sha-1', node: 'urn:test', ver })))
  ask(phone)
  await answers(phone, `urn:test#${ver}`, DiscoInfo.write(twice))
  expect(ask(phone)).toEqual([])
  await phone.hearsNothing()
})

test('XEP-0390 §4.4: the newer hashes are asked for by their own node', async () => {
  const { phone, ask } = await opened()
  await comes(phone, `${caps}${CapsHashes.write(new Map([['sha-256', sha256]]))}`)
  ask(phone)
  await answers(phone, `urn:xmpp:caps#sha-256.${sha256}`)
  expect(ask(phone)).toEqual(['urn:a', 'urn:b'])
})

test('XEP-0115 §5.4 item 2, §13: unknown functions and the old format are left alone', async () => {
  const { phone, ask } = await opened()
  for (const hash of ['md5', undefined]) {
    await comes(phone, `<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'${hash ? ` hash='${hash}'` : ''}/>`)
    expect(ask(phone)).toEqual([])
  }
  await phone.hearsNothing()
})

test.each([
  ['XEP-0115 §5.4 item 2', `<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v' hash='constructor'/>`],
  [
    'XEP-0390 §4.1',
    `<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='constructor'>v</hash><hash xmlns='urn:xmpp:hashes:2' algo='__proto__'>v</hash></c>`,
  ],
  [
    'XEP-0115 §5.4 item 3.9',
    `<c xmlns='http://jabber.org/protocol/caps' node='n' hash='sha-1' ver='${'x'.repeat(89)}'/><c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>${'x'.repeat(89)}</hash></c>`,
  ],
])('%s: what no function can give is not asked for', async (_, claim) => {
  const { phone, ask } = await opened()
  await comes(phone, claim)
  expect(ask(phone)).toEqual([])
  await phone.hearsNothing()
})

test('an error, or no answer, is not asked for again', async () => {
  const { stage, phone, laptop, ask } = await opened()
  await comes(phone)
  ask(phone)
  const asked = await phone.awaits(`<iq type='get' from='home.test'/>`)
  phone.says(`<iq type='error' id='${asked.id}' to='home.test'><error type='cancel'/></iq>`)
  await phone.sync()
  expect(ask(phone)).toEqual([])
  await comes(laptop)
  ask(laptop)
  await laptop.awaits(`<iq type='get' from='home.test'/>`)
  await stage.clock.advance(31_000)
  expect([ask(phone), ask(laptop)]).toEqual([[], []])
  for (const client of [phone, laptop]) {
    await client.sync()
    expect(client.inbox.filter(({ name }) => name === 'iq')).toEqual([])
  }
})

test('XEP-0115 §5.4: who does not answer does not keep others waiting, one account no longer with many sessions than with one', async () => {
  const { stage, phone, laptop, balcony, learnt, ask } = await opened()
  for (const client of [phone, laptop, balcony]) {
    await comes(client)
    ask(client)
  }
  await phone.awaits(`<iq type='get' from='home.test'/>`)
  for (const client of [laptop, balcony]) await client.hearsNothing()
  await stage.clock.advance(2000)
  await laptop.hearsNothing()
  await answers(balcony, `urn:test#${sha1}`)
  expect(learnt).toEqual([phone, laptop, balcony].map(({ jid }) => String(jid)))
  expect(ask(laptop)).toEqual(info.features)
  await stage.clock.advance(60_000)
  await laptop.hearsNothing()
})

test('XEP-0115 §5.4: whose session ended before it answered is asked again when it comes back', async () => {
  const { phone, ask } = await opened()
  await comes(phone)
  ask(phone)
  await phone.awaits(`<iq type='get' from='home.test'/>`)
  await phone.close()
  await phone.connect()
  await comes(phone)
  ask(phone)
  await answers(phone, `urn:test#${sha1}`)
  expect(ask(phone)).toEqual(info.features)
})

test('XEP-0115 §5.4: who was cut off while it was asked is asked again when it is back', async () => {
  const { stage, phone, ask } = await opened({}, true)
  await comes(phone)
  ask(phone)
  await phone.awaits(`<iq type='get' from='home.test'/>`)
  await phone.cut()
  await stage.clock.advance(40_000)
  expect(await phone.connect()).toBe('resumed')
  phone.clear()
  ask(phone)
  await answers(phone, `urn:test#${sha1}`)
  expect(ask(phone)).toEqual(info.features)
})

test.each([
  ['what was learnt outlives a kill', {}, ['urn:a', 'urn:b']],
  ['as much of it as may be kept', { entries: 0 }, []],
])('%s', async (_, config, expected) => {
  const { stage, phone, ask } = await opened(config)
  await comes(phone)
  ask(phone)
  await answers(phone, `urn:test#${sha1}`)
  expect(ask(phone)).toEqual(['urn:a', 'urn:b'])
  stage.crash()
  await stage.start()
  await phone.connect()
  await comes(phone)
  expect(ask(phone)).toEqual(expected)
})
