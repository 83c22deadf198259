import { defineModule } from '@jackdaw/server'
import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { stranger } from '../roster/contact.ts'
import { roster } from '../roster/roster.ts'
import { subscriptions } from '../subscriptions/subscriptions.ts'
import { type Broadcast, presence } from './presence.ts'

const modules = [roster, subscriptions, presence]
const accounts = { romeo: ['phone', 'laptop'], juliet: ['balcony', 'garden'] }
const romeo = 'romeo@home.test'
const juliet = 'juliet@home.test'

async function opened(options: ScenarioOptions = {}) {
  const play = await scenario({ modules, accounts, ...options })
  onTestFinished(() => play.stop())
  return play
}

/** Romeo sees juliet's presence, juliet does not see his. */
async function subscribed(options?: ScenarioOptions) {
  const play = await opened(options)
  play.phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await play.phone.sync()
  play.balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await play.balcony.sync()
  return play
}

/** The next that is heard is an available presence. */
async function hearsAvailable(client: Actor, from: string, content = ''): Promise<void> {
  const heard = await client.hears(`<presence from='${from}'>${content}</presence>`)
  expect(heard.type).toBeUndefined()
}

async function comes(client: Actor): Promise<void> {
  client.says('<presence/>')
  await hearsAvailable(client, client.jid.toString())
}

test('RFC 6121 §4.2.2: initial presence goes to subscribers, and to the own available resources', async () => {
  const { phone, laptop, balcony, garden } = await subscribed()
  await comes(phone)
  balcony.says('<presence><show>chat</show><status>here</status></presence>')
  await hearsAvailable(balcony, `${juliet}/balcony`, '<show>chat</show><status>here</status>')
  await hearsAvailable(phone, `${juliet}/balcony`, '<show>chat</show><status>here</status>')
  await comes(garden)
  await hearsAvailable(balcony, `${juliet}/garden`)
  await hearsAvailable(phone, `${juliet}/garden`)
  // And the newcomer learns of the other.
  await hearsAvailable(garden, `${juliet}/balcony`, '<show>chat</show>')
  for (const client of [phone, laptop, balcony, garden]) await client.hearsNothing()
})

test('RFC 6121 §4.2.2: who does not see the presence of an account is not told', async () => {
  const { phone, balcony } = await subscribed()
  await comes(balcony)
  await comes(phone)
  await hearsAvailable(phone, `${juliet}/balcony`)
  await balcony.hearsNothing()
})

test('RFC 6121 §4.3.1: initial presence asks for the presence of contacts, later presence does not', async () => {
  const { phone, balcony, garden } = await subscribed()
  await comes(balcony)
  garden.says('<presence><priority>-1</priority></presence>')
  await garden.sync()
  await comes(phone)
  await hearsAvailable(phone, `${juliet}/balcony`)
  await hearsAvailable(phone, `${juliet}/garden`, '<priority>-1</priority>')
  phone.says('<presence><show>away</show></presence>')
  await hearsAvailable(phone, `${romeo}/phone`, '<show>away</show>')
  await phone.hearsNothing()
})

test('RFC 6121 §4.4.2: each presence replaces the one before', async () => {
  const { phone, balcony } = await subscribed()
  await comes(balcony)
  balcony.says('<presence><show>dnd</show></presence>')
  await balcony.sync()
  await comes(phone)
  await hearsAvailable(phone, `${juliet}/balcony`, '<show>dnd</show>')
  balcony.says('<presence><show>xa</show></presence>')
  await hearsAvailable(phone, `${juliet}/balcony`, '<show>xa</show>')
  await phone.hearsNothing()
})

test('RFC 6121 §4.5.2: unavailable presence goes where available presence went', async () => {
  const { phone, balcony, garden } = await subscribed()
  await comes(phone)
  await comes(balcony)
  await hearsAvailable(phone, `${juliet}/balcony`)
  garden.says("<presence type='unavailable'/>")
  await garden.hearsNothing()
  balcony.says("<presence type='unavailable'><status>night</status></presence>")
  const unavailable = `<presence from='${juliet}/balcony' type='unavailable'><status>night</status></presence>`
  await balcony.hears(unavailable)
  await phone.hears(unavailable)
  balcony.says("<presence type='unavailable'/>")
  for (const client of [phone, balcony, garden]) await client.hearsNothing()
})

test('RFC 6121 §4.5.2: a session that ends without a word becomes unavailable', async () => {
  const { phone, balcony, garden } = await subscribed()
  await comes(phone)
  await comes(garden)
  await comes(balcony)
  await balcony.close()
  await hearsAvailable(phone, `${juliet}/garden`)
  await hearsAvailable(phone, `${juliet}/balcony`)
  await phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await hearsAvailable(garden, `${juliet}/balcony`)
  await garden.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await phone.hearsNothing()
})

test('RFC 6121 §4.6.3: who got directed presence learns that the session has become unavailable', async () => {
  const { phone, balcony } = await opened()
  await comes(phone)
  phone.says(`<presence to='${juliet}/balcony'><status>psst</status></presence>`)
  await hearsAvailable(balcony, `${romeo}/phone`, '<status>psst</status>')
  phone.says('<presence><show>away</show></presence>')
  await phone.sync()
  await balcony.hearsNothing()
  phone.says("<presence type='unavailable'/>")
  await balcony.hears(`<presence to='${juliet}/balcony' from='${romeo}/phone' type='unavailable'/>`)
  await comes(phone)
  phone.clear()
  phone.says("<presence type='unavailable'/>")
  await phone.sync()
  await balcony.hearsNothing()
})

test('RFC 6121 §4.6.3: directed presence is undone when the session ends, also one that never was available', async () => {
  const { phone, balcony } = await opened()
  phone.says(`<presence to='${juliet}/balcony'/>`)
  await hearsAvailable(balcony, `${romeo}/phone`)
  await phone.close()
  await balcony.hears(`<presence from='${romeo}/phone' type='unavailable'/>`)
})

test('RFC 6121 §4.6.3: directed presence that was taken back is not undone again', async () => {
  const { phone, balcony, garden } = await opened()
  await comes(phone)
  for (const client of [balcony, garden]) {
    phone.says(`<presence to='${client.jid.toString()}'/>`)
    await hearsAvailable(client, `${romeo}/phone`)
  }
  phone.says(`<presence to='${juliet}/balcony' type='unavailable'/>`)
  await balcony.hears(`<presence from='${romeo}/phone' type='unavailable'/>`)
  await phone.close()
  await garden.hears(`<presence from='${romeo}/phone' type='unavailable'/>`)
  await balcony.hearsNothing()
})

test('RFC 6121 §4.6.3: a subscriber who also got directed presence is told once', async () => {
  const { phone, balcony } = await subscribed()
  await comes(phone)
  await comes(balcony)
  await hearsAvailable(phone, `${juliet}/balcony`)
  balcony.says(`<presence to='${romeo}'><show>chat</show></presence>`)
  await hearsAvailable(phone, `${juliet}/balcony`, '<show>chat</show>')
  balcony.says("<presence type='unavailable'/>")
  await phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await balcony.sync()
  await phone.hearsNothing()
})

test('directed presence goes to as many entities as allowed', async () => {
  const { phone } = await opened({ config: { hosts: { 'home.test': { modules: { presence: { directed: 1 } } } } } })
  phone.says(`<presence to='${juliet}'/>`)
  phone.says(`<presence to='${juliet}'><show>away</show></presence>`)
  await phone.hearsNothing()
  phone.says(`<presence to='${juliet}/garden'/>`)
  await refused(phone, 'resource-constraint')
})

test.each([juliet, `${juliet}/balcony`])(
  'RFC 6121 §4.3.2: a probe to %s is answered with its last presence',
  async (to) => {
    const { phone, balcony } = await subscribed()
    balcony.says('<presence><show>dnd</show></presence>')
    await balcony.sync()
    phone.says(`<presence to='${to}' type='probe'/>`)
    await hearsAvailable(phone, `${juliet}/balcony`, '<show>dnd</show>')
    await phone.hearsNothing()
  },
)

test.each([juliet, `${juliet}/balcony`])(
  'RFC 6121 §4.3.2: a probe to %s is answered when it is unavailable',
  async (to) => {
    const { phone } = await subscribed()
    phone.says(`<presence to='${to}' type='probe' id='p1'/>`)
    await phone.hears(`<presence from='${to}' type='unavailable' id='p1'/>`)
  },
)

test.each([juliet, 'nobody@home.test'])(
  "RFC 6121 §4.3.2: a stranger's probe to %s draws no presence, nor tells whether it exists",
  async (to) => {
    const { phone, balcony } = await opened()
    await comes(balcony)
    phone.says(`<presence to='${to}' type='probe'/>`)
    await phone.hearsNothing()
  },
)

test('RFC 6121 §4.3.2: a probe tells who takes itself for a subscriber that it is none', async () => {
  const subscribes = defineModule({
    name: 'subscribes',
    needs: [roster],
    async start(host) {
      const { rosters } = host.use(roster)
      const own = await rosters.of(Jid.parse(romeo))
      rosters.push(own, Jid.parse(juliet), { ...stranger, subscription: 'to' })
    },
  })
  const { phone } = await opened({ modules: [...modules, subscribes] })
  await phone.asks("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
  phone.says(`<presence to='${juliet}' type='probe'/>`)
  await phone.hears(`<presence from='${juliet}' type='unsubscribed'/>`)
  await phone.hears("<iq type='set'><query xmlns='jabber:iq:roster'><item subscription='none'/></query></iq>")
})

test('RFC 6121 §4.3.2: a probe of a contact that has not answered yet leaves the request as it is', async () => {
  const { phone, balcony } = await opened()
  await phone.asks("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
  phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await phone.hears("<iq type='set'><query xmlns='jabber:iq:roster'><item ask='subscribe'/></query></iq>")
  phone.says(`<presence to='${juliet}' type='probe'/>`)
  await phone.hearsNothing()
  balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await phone.awaits("<iq type='set'><query xmlns='jabber:iq:roster'><item subscription='to'/></query></iq>")
})

test('RFC 6121 §4.3.2: an account sees its own presence', async () => {
  const { phone, laptop } = await opened()
  laptop.says('<presence><show>xa</show></presence>')
  await laptop.sync()
  phone.says(`<presence to='${romeo}' type='probe'/>`)
  await hearsAvailable(phone, `${romeo}/laptop`, '<show>xa</show>')
  await comes(phone)
  await hearsAvailable(phone, `${romeo}/laptop`)
  phone.says(`<presence to='${romeo}' type='probe'/>`)
  await hearsAvailable(phone, `${romeo}/phone`)
  await hearsAvailable(phone, `${romeo}/laptop`)
})

test('the server itself is available', async () => {
  const { phone } = await opened()
  phone.says("<presence to='home.test' type='probe'/>")
  await hearsAvailable(phone, 'home.test')
})

test.each(['128', '-129', '1.5', 'high', '', '0x1'])(
  "RFC 6121 §4.7.2.3: a priority of '%s' is refused",
  async (priority) => {
    const { phone, laptop } = await opened()
    await comes(laptop)
    phone.says(`<presence><priority>${priority}</priority></presence>`)
    await refused(phone, 'bad-request')
    await laptop.hearsNothing()
  },
)

test.each(['127', '-128', ' 5 ', '+1'])("RFC 6121 §4.7.2.3: a priority of '%s' is taken", async (priority) => {
  const { phone, server } = await opened()
  phone.says(`<presence><priority>${priority}</priority></presence>`)
  await hearsAvailable(phone, `${romeo}/phone`)
  expect(server.sessions.get(phone.jid)?.priority).toBe(Number(priority))
})

test.each([
  ['of no known type', "<presence type='invisible'/>"],
  ['of no known type for somebody', `<presence to='${juliet}' type='invisible'/>`],
  ['that subscribes to nobody', "<presence type='subscribe'/>"],
  ['that probes nobody', "<presence type='probe'/>"],
])('RFC 6121 §4.7.1: a presence %s is refused', async (_, stanza) => {
  const { phone } = await opened()
  phone.says(stanza)
  await refused(phone, 'bad-request')
})

test('RFC 6121 §4.7.1: an error reaches whom it is for, and one for nobody vanishes', async () => {
  const { phone, balcony } = await opened()
  await comes(phone)
  const error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  phone.says(`<presence type='error'>${error}</presence>`)
  phone.says(`<presence to='${juliet}/balcony' type='error'>${error}</presence>`)
  await balcony.hears(`<presence from='${romeo}/phone' type='error'/>`)
  await phone.hearsNothing()
})

test('a restart is seen by nobody: who was available still is, and directed presence is still undone', async () => {
  const play = await subscribed({ resume: true })
  const { phone, balcony, garden } = play
  await comes(phone)
  await comes(balcony)
  await hearsAvailable(phone, `${juliet}/balcony`)
  phone.says(`<presence to='${juliet}/garden'/>`)
  await hearsAvailable(garden, `${romeo}/phone`)
  await play.stop()
  await play.start()
  for (const client of [phone, balcony, garden]) expect(await client.connect()).toBe('resumed')
  for (const client of [phone, balcony, garden]) await client.hearsNothing()
  balcony.says("<presence type='unavailable'/>")
  await phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  phone.says("<presence type='unavailable'/>")
  await garden.hears(`<presence from='${romeo}/phone' type='unavailable'/>`)
})

test('other modules are told of broadcasts, with the presence before', async () => {
  const told: Broadcast[] = []
  const listener = defineModule({
    name: 'listener',
    needs: [presence],
    start: (host) => host.onStop(host.use(presence).onBroadcast((broadcast) => told.push(broadcast))),
  })
  const { phone } = await opened({ modules: [...modules, listener] })
  phone.says('<presence><show>away</show></presence>')
  phone.says(`<presence to='${juliet}'/>`)
  phone.says('<presence/>')
  phone.says("<presence type='unavailable'/>")
  phone.says("<presence type='unavailable'/>")
  await phone.sync()
  expect(told.map((one) => [one.presence.type, one.before?.child('show')?.text])).toEqual([
    [undefined, undefined],
    [undefined, 'away'],
    ['unavailable', undefined],
  ])
})

async function refused(client: Actor, condition: string): Promise<void> {
  const error = await client.hears("<presence type='error'><error/></presence>")
  expect(error.child('error')!.first()!.name).toBe(condition)
}

test('RFC 6121 §4.4.2: a presence that is too long for all who would get it is refused, in either type', async () => {
  const { phone, laptop } = await opened()
  await comes(laptop)
  await comes(phone)
  await hearsAvailable(laptop, `${romeo}/phone`)
  await hearsAvailable(phone, `${romeo}/laptop`)
  for (const type of ['', " type='unavailable'"]) {
    phone.says(`<presence${type}><status>${'x'.repeat(33_000)}</status></presence>`)
    await refused(phone, 'policy-violation')
  }
  await laptop.hearsNothing()
})
