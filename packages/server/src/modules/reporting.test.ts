import { scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { disco } from './disco.ts'
import { presence } from './presence/presence.ts'
import { reporting } from './reporting.ts'

const modules = [reporting, presence, disco]
const accounts = { juliet: ['balcony'], admin: ['desk'] }
const config = (fields: Record<string, unknown>) => ({ hosts: { 'home.test': { modules: { reporting: fields } } } })
const report = (jid: string, inner = "reason='urn:xmpp:reporting:spam'><text xml:lang='en'>too loud</text>") =>
  `<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${jid}'>
    <report xmlns='urn:xmpp:reporting:1' ${inner}</report></item></block></iq>`

test('XEP-0377 §3: the server says that it takes reports', async () => {
  await using s = await scenario({ accounts, modules })
  const info = await s.desk.asks(
    "<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  expect(String(info)).toContain("var='urn:xmpp:reporting:1'")
})

test('XEP-0377 §6: who is reported is blocked, and the operator hears why', async () => {
  await using s = await scenario({ accounts, modules, config: config({ tell: ['admin@home.test'] }) })
  s.desk.comes()
  await s.desk.sync()
  s.desk.clear()
  await s.balcony.asks(report('romeo@home.test'))
  const told = await s.desk.hears(`<message from='home.test'><body>…</body>
    <report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text xml:lang='en'>too loud</text></report></message>`)
  expect(told.child('body')!.text).toBe('juliet@home.test reports romeo@home.test: urn:xmpp:reporting:spam\ntoo loud')
  const list = await s.balcony.asks("<iq type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>")
  expect(list.first()!.elements().map(String)).toEqual(["<item xmlns='urn:xmpp:blocking' jid='romeo@home.test'/>"])
})

test('XEP-0377 §6: a report without a reason, or one too many, blocks and is not heard', async () => {
  await using s = await scenario({ accounts, modules, config: config({ tell: ['admin@home.test'], perHour: 1 }) })
  s.desk.comes()
  await s.desk.sync()
  s.desk.clear()
  await s.balcony.asks(report('a@b', '>'))
  await s.balcony.asks(report('c@d'))
  await s.balcony.asks(report('e@f'))
  await s.desk.hears('<message><body>…</body></message>')
  await s.desk.hearsNothing()
  const list = await s.balcony.asks("<iq type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>")
  expect(list.first()!.elements()).toHaveLength(3)
})
