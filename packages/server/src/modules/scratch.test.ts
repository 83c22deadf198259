import { test } from 'vitest'
import { scratch } from './scratch.ts'
test('x', async () => {
  const { server, phone, laptop, balcony } = await scratch({ romeo: ['phone', 'laptop'], juliet: ['balcony'] }) as any
  const all = { phone, laptop, balcony }
  const show = (what: string) => { console.log('--- ' + what); for (const [n, c] of Object.entries(all) as any) for (const t of c.take()) console.log('   ', n, t) }
  const step = async (who: any, xml: string) => { await who.says(xml); show(xml) }
  await step(phone, "<iq id='1' type='get'><query xmlns='jabber:iq:roster'/></iq>")
  await step(phone, "<presence/>")
  await step(laptop, "<presence><priority>5</priority></presence>")
  await step(balcony, "<iq id='1' type='get'><query xmlns='jabber:iq:roster' ver=''/></iq>")
  await step(phone, "<presence type='subscribe' to='juliet@home.test/x' id='s1'><status>hi</status></presence>")
  await step(balcony, "<presence/>")
  await step(balcony, "<presence type='subscribed' to='romeo@home.test'/>")
  await step(balcony, "<presence type='subscribe' to='romeo@home.test'/>")
  await step(phone, "<presence type='subscribed' to='juliet@home.test'/>")
  await step(phone, "<presence type='probe' to='juliet@home.test'/>")
  await step(phone, "<presence type='probe' to='nobody@home.test'/>")
  await step(laptop, "<presence type='unavailable'/>")
  await step(phone, "<iq id='2' type='set'><query xmlns='jabber:iq:roster'><item jid='juliet@home.test' subscription='remove'/></query></iq>")
  await step(phone, "<presence to='juliet@home.test'/>")
  await step(phone, "<presence to='x@other.test'/>")
  server.sessions.end(phone.session); show('end')
  await server.stop()
})
