import { scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'

test('RFC 6121 §8.5.3.1: a message to a full JID reaches that resource', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [] })
  const { phone, balcony } = s
  phone.says(`<message to='juliet@home.test/balcony' type='chat'><body>hi</body></message>`)
  await balcony.hears(`<message from='romeo@home.test/phone' type='chat'><body>hi</body></message>`)
  await phone.hearsNothing()
})

test('RFC 6121 §8.5.1: a message to nobody is answered with service-unavailable', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [] })
  s.phone.says(`<message to='nobody@home.test' id='1'><body>hi</body></message>`)
  const error = await s.phone.hears(`<message from='nobody@home.test' id='1' type='error'><error type='cancel'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`)
  expect(error.to?.toString()).toBe('romeo@home.test/phone')
})
