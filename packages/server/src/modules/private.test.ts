import { type Actor, scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { disco } from './disco.ts'
import { privateStorage } from './private.ts'

const modules = [privateStorage, disco]
const accounts = { hamlet: ['denmark', 'court'], macbeth: ['castle'] }
const query = (type: 'get' | 'set', inner: string, to = '') =>
  `<iq type='${type}'${to && ` to='${to}'`}><query xmlns='jabber:iq:private'>${inner}</query></iq>`
const prefs = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>"
const kept = async (client: Actor, asked: string) =>
  (await client.asks(query('get', asked))).first()!.elements().map(String).join('')

test('XEP-0049 §2.3: what one resource stores another gets back, also after a restart', async () => {
  await using s = await scenario({ accounts, modules })
  await s.denmark.asks(query('set', prefs + "<a xmlns='urn:a'/>"))
  expect(await kept(s.court, "<exodus xmlns='exodus:prefs'/>")).toBe(prefs)
  await s.denmark.asks(query('set', "<exodus xmlns='exodus:prefs'/>"))
  await s.stop()
  await s.start()
  const court = await s.login('hamlet', 'court')
  expect(await kept(court, "<exodus xmlns='exodus:prefs'/>")).toBe("<exodus xmlns='exodus:prefs'/>")
  expect(await kept(court, "<a xmlns='urn:a'/>")).toBe("<a xmlns='urn:a'/>")
})

test('XEP-0049 §2.3: elements of one namespace, or of one name, are kept apart', async () => {
  await using s = await scenario({ accounts, modules })
  await s.denmark.asks(query('set', "<a xmlns='urn:x'>1</a><b xmlns='urn:x'>2</b><a xmlns='urn:y'>3</a>"))
  expect(await kept(s.denmark, "<a xmlns='urn:x'/>")).toBe("<a xmlns='urn:x'>1</a>")
  expect(await kept(s.denmark, "<b xmlns='urn:x'/>")).toBe("<b xmlns='urn:x'>2</b>")
  expect(await kept(s.denmark, "<a xmlns='urn:y'/>")).toBe("<a xmlns='urn:y'>3</a>")
})

test('XEP-0049 §2.3: what was never stored comes back empty, as it was asked for', async () => {
  await using s = await scenario({ accounts, modules })
  expect(await kept(s.castle, "<exodus xmlns='exodus:prefs'/>")).toBe("<exodus xmlns='exodus:prefs'/>")
})

test.each([
  ['a get of nothing', 'get', '', 'bad-request'],
  ['a get of two', 'get', "<a xmlns='urn:a'/><b xmlns='urn:b'/>", 'not-acceptable'],
  ['a set of nothing', 'set', '', 'not-acceptable'],
  ['a get without a namespace', 'get', '<a/>', 'not-acceptable'],
  ['a set without a namespace', 'set', '<a/>', 'not-acceptable'],
  ['a set of one twice', 'set', "<a xmlns='urn:a'>1</a><a xmlns='urn:a'>2</a>", 'not-acceptable'],
] as const)('XEP-0049 §3: %s is refused', async (_, type, inner, condition) => {
  await using s = await scenario({ accounts, modules })
  await expect(s.denmark.asks(query(type, inner))).rejects.toMatchObject({ condition })
})

test("XEP-0049 §2.3: nobody gets or sets another's data, be there such an account or not", async () => {
  await using s = await scenario({ accounts, modules })
  await s.denmark.asks(query('set', prefs))
  for (const to of ['hamlet@home.test', 'nobody@home.test'])
    for (const type of ['get', 'set'] as const)
      await expect(s.castle.asks(query(type, prefs, to))).rejects.toMatchObject({ condition: 'forbidden' })
  expect(await kept(s.denmark, "<exodus xmlns='exodus:prefs'/>")).toBe(prefs)
})

test('what one account keeps has limits, and what is refused leaves what was', async () => {
  const config = { hosts: { 'home.test': { modules: { private: { elements: 2, size: '1 KiB' } } } } }
  await using s = await scenario({ accounts, modules, config })
  await s.denmark.asks(query('set', "<a xmlns='urn:a'/><b xmlns='urn:b'/>"))
  for (const more of ["<c xmlns='urn:c'/>", `<b xmlns='urn:b'>${'x'.repeat(1024)}</b>`])
    await expect(s.denmark.asks(query('set', more))).rejects.toMatchObject({ condition: 'resource-constraint' })
  expect(await kept(s.denmark, "<b xmlns='urn:b'/>")).toBe("<b xmlns='urn:b'/>")
  await s.denmark.asks(query('set', "<b xmlns='urn:b'>new</b>"))
})
