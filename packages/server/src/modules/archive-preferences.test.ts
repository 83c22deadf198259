import { type Actor, type ScenarioOptions, scenario } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { query, refusal, say } from './archive-fixture.ts'
import { archivePreferences } from './archive-preferences.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'
import { roster } from './roster/roster.ts'

const modules = [roster, presence, archivePreferences, mam, offline]

async function play(config: Record<string, unknown> = {}, options: ScenarioOptions = {}) {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], nurse: ['kitchen'] },
    modules,
    config: { hosts: { 'home.test': { modules: { 'archive-preferences': config } } } },
    ...options,
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony, kitchen } = stage.clients as Record<string, Actor>
  return { stage, phone: phone!, balcony: balcony!, kitchen: kitchen! }
}

const jids = (name: string, list: readonly string[]) =>
  `<${name}>${list.map((jid) => `<jid>${jid}</jid>`).join('')}</${name}>`

const prefs = (behaviour: string, always: readonly string[] = [], never: readonly string[] = []) =>
  `<prefs xmlns='urn:xmpp:mam:2' default='${behaviour}'>${jids('always', always)}${jids('never', never)}</prefs>`

const prefer = async (client: Actor, ...wanted: Parameters<typeof prefs>) =>
  (await client.asks(`<iq type='set'>${prefs(...wanted)}</iq>`)).first()!.toString().replaceAll('"', "'")

const preferred = async (client: Actor) =>
  (await client.asks("<iq type='get'><prefs xmlns='urn:xmpp:mam:2'/></iq>")).first()!.toString()

test('XEP-0441 §2.1: preferences as they are by default, as they are set, and as they are then', async () => {
  const { phone, balcony } = await play()
  const empty = "<prefs xmlns='urn:xmpp:mam:2' default='always'><always/><never/></prefs>"
  expect(await preferred(phone)).toBe(empty)
  const wanted = ['roster', ['Juliet@home.test', 'juliet@home.test'], ['montague@home.test/hall']] as const
  const applied = prefs('roster', ['juliet@home.test'], ['montague@home.test/hall'])
  expect(await prefer(phone, ...wanted)).toBe(applied)
  expect(await preferred(phone)).toBe(applied)
  expect(await preferred(balcony)).toBe(empty)
})

test.each([
  ['always', 'to nurse, to juliet, from nurse, from juliet'],
  ['never', ''],
  ['roster', 'to juliet, from juliet'],
])("XEP-0441 §2.1.1: with the default '%s' the archive has %j", async (behaviour, expected) => {
  const { phone, balcony, kitchen } = await play()
  await phone.asks("<iq type='set'><query xmlns='jabber:iq:roster'><item jid='juliet@home.test'/></query></iq>")
  await prefer(phone, behaviour)
  await exchange(phone, balcony, kitchen)
  expect((await query(phone)).bodies.join(', ')).toBe(expected)
  // The other side has its own.
  expect((await query(kitchen)).bodies).toEqual(['to nurse', 'from nurse'])
})

test('XEP-0441 §2.1.1: the default of the host is for those who have said nothing', async () => {
  const { phone, balcony, kitchen } = await play({ default: 'never' })
  await prefer(balcony, 'always')
  await exchange(phone, balcony, kitchen)
  expect((await query(phone)).bodies).toEqual([])
  expect((await query(balcony)).bodies).toEqual(['to juliet', 'from juliet'])
})

test('XEP-0441 §2.1.2, §2.1.3, §2.3: lists, with and without resources', async () => {
  const { phone } = await play()
  const archived = async (...wanted: Parameters<typeof prefs>) => {
    await prefer(phone, ...wanted)
    const before = (await query(phone)).bodies.length
    for (const to of ['juliet@home.test/balcony', 'juliet@home.test/tomb', 'juliet@home.test', 'nurse@home.test'])
      say(phone, to, to)
    return (await query(phone)).bodies.slice(before).join(' ')
  }
  const all = 'juliet@home.test/balcony juliet@home.test/tomb juliet@home.test'
  expect(await archived('never', ['juliet@home.test'])).toBe(all)
  expect(await archived('always', [], ['juliet@home.test'])).toBe('nurse@home.test')
  expect(await archived('never', ['juliet@home.test/tomb'])).toBe('juliet@home.test/tomb')
  expect(await archived('never', ['juliet@home.test'], ['juliet@home.test/tomb'])).toBe(
    'juliet@home.test/balcony juliet@home.test',
  )
  expect(await archived('always', ['juliet@home.test'], ['juliet@home.test'])).toBe('nurse@home.test')
})

test('XEP-0441 §2.1.1: what an account says to itself is its own business, whether it is in its roster or not', async () => {
  const { phone } = await play()
  await prefer(phone, 'roster')
  say(phone, 'romeo@home.test', 'note')
  expect((await query(phone)).bodies).toEqual(['note'])
})

test('XEP-0160 §2: what is not archived waits nevertheless', async () => {
  const { phone, balcony } = await play()
  await prefer(balcony, 'never')
  say(phone, 'juliet@home.test', 'wake up')
  await phone.hearsNothing()
  balcony.comes()
  await balcony.awaits('<message><body>wake up</body></message>')
  expect((await query(balcony)).bodies).toEqual([])
})

test.each([
  ["<prefs xmlns='urn:xmpp:mam:2'/>", 'bad-request'],
  ["<prefs xmlns='urn:xmpp:mam:2' default='sometimes'/>", 'bad-request'],
  [prefs('always', ['@home.test']), 'jid-malformed'],
  [prefs('always', [], ['']), 'jid-malformed'],
  [prefs('always', ['a@home.test', 'b@home.test'], ['c@home.test']), 'resource-constraint'],
])('XEP-0441 §2.1: %s is %s, and changes nothing', async (text, condition) => {
  const { phone } = await play({ jids: 2 })
  const before = await prefer(phone, 'never', ['juliet@home.test'])
  await expect(phone.asks(`<iq type='set'>${text}</iq>`)).rejects.toEqual(refusal(condition))
  expect(await preferred(phone)).toBe(before)
})

test.each(['juliet@home.test', 'nobody@home.test'])(
  'XEP-0441: nobody sees or sets the preferences of %s',
  async (to) => {
    const { phone } = await play()
    const ask = (type: string, payload: string) => phone.asks(`<iq type='${type}' to='${to}'>${payload}</iq>`)
    await expect(ask('get', prefs('always'))).rejects.toEqual(refusal('forbidden'))
    await expect(ask('set', prefs('never'))).rejects.toEqual(refusal('forbidden'))
  },
)

test('DESIGN 1: preferences hold after a crash, and end with the account', async () => {
  const { stage, phone } = await play({}, { resume: true })
  const wanted = await prefer(phone, 'never', ['juliet@home.test'])
  await phone.settled()
  stage.crash()
  await stage.start()
  expect(await phone.connect()).toBe('resumed')
  expect(await preferred(phone)).toBe(wanted)
  say(phone, 'nurse@home.test', 'a')
  say(phone, 'juliet@home.test', 'b')
  expect((await query(phone)).bodies).toEqual(['b'])
  const { accounts } = stage.server.hosts.get('home.test')!
  await accounts.remove(phone.jid.bare)
  await stage.register('romeo')
  const again = await stage.login('romeo', 'new')
  say(again, 'nurse@home.test', 'c')
  expect((await query(again)).bodies).toEqual(['c'])
})

async function exchange(phone: Actor, balcony: Actor, kitchen: Actor): Promise<void> {
  for (const client of [phone, balcony, kitchen]) {
    client.comes()
    await client.sync()
  }
  say(phone, 'nurse@home.test', 'to nurse')
  say(phone, 'juliet@home.test', 'to juliet')
  await phone.sync()
  say(kitchen, 'romeo@home.test', 'from nurse')
  await kitchen.sync()
  say(balcony, 'romeo@home.test', 'from juliet')
  await balcony.sync()
}
