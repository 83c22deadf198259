import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { delayBy, Jid, mamNs, MamQuery, type Stanza } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { carbons } from '../carbons.ts'
import { mam } from '../mam.ts'
import { presence } from '../presence/presence.ts'
import { offline } from './offline.ts'

const home = Jid.parse('home.test')
const enable = "<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
const second = (s: number) => Date.UTC(2026, 0, 1, 0, 0, s)

class Stage {
  readonly scenario: Scenario
  readonly phone: Actor
  readonly balcony: Actor
  readonly chamber: Actor
  /** A resource of Juliet's that never acknowledges what it gets. */
  readonly window: Actor

  constructor(made: Scenario) {
    const { phone, balcony, chamber } = made.clients
    this.scenario = made
    this.phone = phone!
    this.balcony = balcony!
    this.chamber = chamber!
    this.window = made.client('juliet', 'window', { acknowledges: false, resume: true })
  }

  /** A second later the window comes, and yet another later it can be spoken to. */
  async opens(): Promise<void> {
    await this.scenario.clock.advance(1000)
    await this.window.connect()
    this.window.comes()
    await this.window.sync()
    await this.scenario.clock.advance(1000)
  }

  /** The window's connection is lost, and nobody takes it up again in time. */
  async ends(): Promise<void> {
    await this.phone.sync()
    await this.window.cut()
    await this.scenario.clock.advance(3_600_000)
    await this.phone.sync()
  }

  async come(client: Actor): Promise<void> {
    client.comes()
    await client.sync()
  }

  async says(body: string, to = 'juliet@home.test', type = 'chat', more = ''): Promise<void> {
    this.phone.says(`<message to='${to}' type='${type}' id='${body}'><body>${body}</body>${more}</message>`)
    await this.phone.sync()
  }
}

async function play(): Promise<Stage> {
  const made = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony', 'chamber'] },
    modules: [mam, carbons, offline, presence],
    // An hour passes in one go: nobody could answer a ping.
    config: { keepalive: { idle: '10 d' } },
    resume: true,
  })
  onTestFinished(() => made.stop())
  return new Stage(made)
}

/** The messages that were heard since this was asked last: the body, the delay in seconds after the start. */
async function heard(client: Actor): Promise<unknown[][]> {
  await client.sync()
  const messages = client.inbox.filter(({ name }) => name === 'message')
  client.clear()
  return messages.map((stanza) => {
    const delay = delayBy(stanza, home)
    return [stanza.child('body')?.text ?? '?', ...(delay === undefined ? [] : [(delay - second(0)) / 1000])]
  })
}

test('XEP-0198 §4: what was never acknowledged waits for the next resource, with its time and its id', async () => {
  const stage = await play()
  await stage.opens()
  await stage.says('1')
  await stage.says('2')
  const ids = idsIn(stage.window.inbox)
  await stage.ends()
  await stage.come(stage.balcony)
  expect(idsIn(stage.balcony.inbox)).toEqual(ids)
  expect(await heard(stage.balcony)).toEqual([
    ['1', 2],
    ['2', 2],
  ])
  await stage.come(stage.chamber)
  expect(await heard(stage.chamber)).toEqual([])
  expect(await heard(stage.phone)).toEqual([])
})

test('XEP-0198 §4: what another resource has had already comes to nobody again', async () => {
  const stage = await play()
  await stage.come(stage.balcony)
  await stage.opens()
  await stage.says('1')
  await stage.ends()
  expect(await heard(stage.balcony)).toEqual([['1']])
  await stage.come(stage.chamber)
  expect(await heard(stage.chamber)).toEqual([])
})

test('XEP-0198 §4: a resource that came later gets it', async () => {
  const stage = await play()
  await stage.opens()
  await stage.says('1')
  await stage.scenario.clock.advance(1000)
  await stage.come(stage.balcony)
  expect(await heard(stage.balcony)).toEqual([])
  await stage.ends()
  expect(await heard(stage.balcony)).toEqual([['1', 2]])
  await stage.come(stage.chamber)
  expect(await heard(stage.chamber)).toEqual([])
})

test('XEP-0198 §4: what was for one resource goes to another, unless that one has had a copy', async () => {
  const stage = await play()
  await stage.come(stage.balcony)
  await stage.opens()
  await stage.says('1', 'juliet@home.test/window')
  expect(await heard(stage.balcony)).toEqual([])
  await stage.ends()
  expect(await heard(stage.balcony)).toEqual([['1', 2]])
  await stage.balcony.asks(enable)
  await stage.opens()
  await stage.says('2', 'juliet@home.test/window')
  expect(await heard(stage.balcony)).toEqual([['?']])
  await stage.ends()
  expect(await heard(stage.balcony)).toEqual([])
})

test('XEP-0198 §4: copies, results of queries, states, headlines and errors end with the session', async () => {
  const stage = await play()
  const { phone, window, balcony, chamber } = stage
  await stage.opens()
  await window.asks(enable)
  await stage.says('1', 'juliet@home.test/balcony')
  await stage.says('2', 'juliet@home.test/window', 'headline')
  await stage.says('3', 'juliet@home.test/window', 'groupchat')
  await stage.says('4', 'juliet@home.test/window', 'error')
  phone.says(
    "<message to='juliet@home.test' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
  )
  await window.ask('set', MamQuery.write({}))
  await window.awaits('<message><body>4</body></message>')
  await window.awaits(`<message><result xmlns='${mamNs}'/></message>`)
  await stage.ends()
  expect(await heard(balcony)).toEqual([['1']])
  await stage.come(chamber)
  expect(await heard(chamber)).toEqual([])
})

test('XEP-0334 §4.2: what must not wait goes to who is there, else its sender learns that it was lost', async () => {
  const stage = await play()
  await stage.opens()
  const secretly = "<no-store xmlns='urn:xmpp:hints'/>"
  await stage.says('1', 'juliet@home.test', 'chat', secretly)
  await stage.ends()
  const error = await stage.phone.hears("<message type='error' id='1' from='juliet@home.test'/>")
  expect(error.child('error')?.first()?.name).toBe('service-unavailable')
  await stage.opens()
  await stage.says('2', 'juliet@home.test/window', 'chat', secretly)
  await stage.come(stage.balcony)
  await stage.ends()
  expect((await heard(stage.balcony)).map((one) => one[0])).toEqual(['2'])
  expect(await heard(stage.phone)).toEqual([])
})

test('XEP-0198 §4: what had waited and was lost waits again, with its first time', async () => {
  const stage = await play()
  await stage.says('1')
  await stage.says('2', 'juliet@home.test', 'chat', "<no-permanent-store xmlns='urn:xmpp:hints'/>")
  await stage.opens()
  expect(await heard(stage.window)).toEqual([
    ['1', 0],
    ['2', 0],
  ])
  await stage.ends()
  await stage.come(stage.balcony)
  expect(await heard(stage.balcony)).toEqual([
    ['1', 0],
    ['2', 0],
  ])
})

test('XEP-0198 §4: what was lost waits through a crash', async () => {
  const stage = await play()
  await stage.opens()
  await stage.says('1')
  await stage.phone.settled()
  await stage.ends()
  stage.scenario.crash()
  await stage.scenario.start()
  await stage.balcony.connect()
  await stage.come(stage.balcony)
  expect(await heard(stage.balcony)).toEqual([['1', 2]])
})

function idsIn(stanzas: readonly Stanza[]): unknown[] {
  return stanzas
    .filter(({ name }) => name === 'message')
    .map((stanza) => stanza.child('stanza-id', 'urn:xmpp:sid:0')?.attr('id'))
}
