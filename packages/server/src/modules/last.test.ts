import { type Actor, ManualClock, type Scenario, scenario } from '@jackdaw/testkit'
import { Jid, LastActivity } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { defineModule } from '../module.ts'
import { last } from './last.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'

const modules = [last, subscriptions]
const accounts = { romeo: ['phone'], juliet: ['balcony', 'garden'] }
const request = (to: string) => `<iq type='get' to='${to}'><query xmlns='jabber:iq:last'/></iq>`
const juliet = 'juliet@home.test'

async function lastOf(client: Actor, address: string): Promise<LastActivity> {
  return LastActivity.read((await client.asks(request(address))).first()!)
}

/** Romeo sees Juliet's presence; she does not see his. */
async function evening(options: { readonly clock?: ManualClock } = {}) {
  const s = await scenario({ accounts, modules, ...options })
  for (const client of Object.values(s.clients)) client.comes()
  s.phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await s.balcony.awaits("<presence from='romeo@home.test' type='subscribe'/>")
  s.balcony.says("<presence to='romeo@home.test' type='subscribed'/>")
  await s.phone.awaits(`<presence from='${juliet}/balcony'/>`)
  return s
}

async function leave(client: Actor, status = ''): Promise<void> {
  client.says(`<presence type='unavailable'>${status && `<status>${status}</status>`}</presence>`)
  await client.close()
}

test('XEP-0012 §5: the server tells how long it is up', async () => {
  const clock = new ManualClock()
  await using s = await scenario({ accounts, modules, clock })
  await clock.advance(123_456)
  expect(await lastOf(s.phone, 'home.test')).toEqual({ seconds: 123, status: undefined })
})

test('XEP-0012 §3: who has a resource connected is here', async () => {
  await using s = await evening()
  await leave(s.garden, 'too late')
  expect(await lastOf(s.phone, juliet)).toEqual({ seconds: 0, status: undefined })
  expect(await lastOf(s.balcony, juliet)).toEqual({ seconds: 0, status: undefined })
})

test('XEP-0012 §3: of an account that is offline, since when, and the status it left with', async () => {
  await using s = await evening()
  await leave(s.garden, 'first')
  await s.clock.advance(5000)
  await leave(s.balcony, 'Heading Home')
  await s.clock.advance(203_999)
  expect(await lastOf(s.phone, juliet)).toEqual({ seconds: 203, status: 'Heading Home' })
})

test('XEP-0012 §3: a connection that is lost says nothing, and a status counts no more when one was there again', async () => {
  await using s = await evening()
  await leave(s.garden)
  s.balcony.says("<presence type='unavailable'><status>brb</status></presence>")
  s.balcony.comes()
  await s.balcony.sync()
  await s.balcony.cut()
  await s.clock.advance(10_000)
  expect(await lastOf(s.phone, juliet)).toEqual({ seconds: 10, status: undefined })
})

test('XEP-0012 §3: it is known after a restart', async () => {
  await using s = await evening()
  await leave(s.garden)
  await leave(s.balcony, 'Heading Home')
  await restart(s)
  await s.clock.advance(60_000)
  const phone = await s.login('romeo', 'phone')
  expect(await lastOf(phone, juliet)).toEqual({ seconds: 60, status: 'Heading Home' })
})

test('XEP-0012 §3, §8: who does not see the presence of an account is forbidden to ask, be there one or not', async () => {
  await using s = await evening()
  for (const to of ['romeo@home.test', 'nobody@home.test'])
    await expect(s.balcony.asks(request(to)), to).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0012 §4: a client tells those who see its presence, and does not hear the others', async () => {
  await using s = await evening()
  for (const client of [s.phone, s.balcony]) {
    await client.sync()
    client.clear()
  }
  for (const to of ['romeo@home.test/phone', 'romeo@home.test/away', 'nobody@home.test/phone'])
    await expect(s.balcony.asks(request(to)), to).rejects.toMatchObject({ condition: 'forbidden' })
  await s.phone.hearsNothing()

  s.phone.says(`<iq type='get' id='l' to='${juliet}/balcony'><query xmlns='jabber:iq:last'/></iq>`)
  await s.balcony.hears("<iq type='get' id='l'><query xmlns='jabber:iq:last'/></iq>")
  s.balcony.says(
    "<iq type='result' id='l' to='romeo@home.test/phone'><query xmlns='jabber:iq:last' seconds='123'/></iq>",
  )
  await s.phone.hears(
    `<iq type='result' id='l' from='${juliet}/balcony'><query seconds='123' xmlns='jabber:iq:last'/></iq>`,
  )
})

test('nothing is kept of an account that is removed, nor of one that is none (SASL ANONYMOUS)', async () => {
  await using s = await evening()
  const { modules: running, accounts: registry } = s.server.hosts.get('home.test')!
  await registry.remove(s.balcony.account)
  const ghost = s.server.sessions.bind({ deliver() {}, whenDrained() {}, end() {} }, Jid.parse('ghost@home.test'), 'x')
  s.server.sessions.end(ghost)
  await leave(s.phone)

  await running.unload(last)
  const kept: string[] = []
  const reader = defineModule({
    name: 'last',
    stores: last.stores!,
    async start({ stores }) {
      for await (const [owner] of stores.departures.owners('')) kept.push(owner)
    },
  })
  await running.load(reader, undefined)
  expect(kept).toEqual(['romeo@home.test'])
})

async function restart(s: Scenario): Promise<void> {
  await s.stop()
  await s.start()
}
