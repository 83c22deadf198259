import { scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { vcard4 } from './vcard4.ts'

const accounts = { juliet: ['balcony'], romeo: ['orchard'] }
const juliet = 'juliet@home.test'
const card = "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Juliet</text></fn></vcard>"

test('XEP-0292 §4.1, XEP-0222 §3: a vCard is published once and retrieved by anybody', async () => {
  await using s = await scenario({ accounts, modules: [vcard4] })
  await s.balcony.asks(`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>
    <publish node='urn:xmpp:vcard4'><item>${card}</item></publish>
    <publish-options><x xmlns='jabber:x:data' type='submit'>
      <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>
      <field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub></iq>`)
  const answer = await s.orchard.asks(`<iq type='get' to='${juliet}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>
    <items node='urn:xmpp:vcard4'/></pubsub></iq>`)
  expect(String(answer.first())).toContain(card)
})

test('XEP-0292 §7: the server and its accounts say so', async () => {
  await using s = await scenario({ accounts, modules: [vcard4] })
  for (const to of ['home.test', juliet]) {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    expect(String(await s.balcony.asks(`<iq type='get' to='${to}'>${query}</iq>`))).toContain(
      "var='urn:ietf:params:xml:ns:vcard-4.0'",
    )
  }
})
