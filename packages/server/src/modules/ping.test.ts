import { scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { ping } from './ping.ts'

const accounts = { romeo: ['phone'], juliet: ['balcony'] }
const pinging = (to: string) => `<iq type='get'${to && ` to='${to}'`}><ping xmlns='urn:xmpp:ping'/></iq>`

test('XEP-0199 §4.2: the server answers for itself and for the account of who asks', async () => {
  await using s = await scenario({ accounts, modules: [ping] })
  for (const to of ['home.test', 'romeo@home.test', '']) {
    const answer = await s.phone.asks(pinging(to))
    expect([answer.type, String(answer.from ?? ''), answer.children.length]).toEqual(['result', to, 0])
  }
})

test('RFC 6121 §8.5.1: a ping tells nobody whether an account exists', async () => {
  await using s = await scenario({ accounts, modules: [ping] })
  for (const to of ['juliet@home.test', 'nobody@home.test', 'juliet@home.test/away'])
    await expect(s.phone.asks(pinging(to)), to).rejects.toMatchObject({ condition: 'service-unavailable' })
})

test('XEP-0199 §4.4: a ping to a full JID is for the client', async () => {
  await using s = await scenario({ accounts, modules: [ping] })
  s.phone.says(`<iq type='get' id='p' to='juliet@home.test/balcony'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await s.balcony.hears(`<iq type='get' id='p' from='romeo@home.test/phone'><ping xmlns='urn:xmpp:ping'/></iq>`)
  s.balcony.says(`<iq type='result' id='p' to='romeo@home.test/phone'/>`)
  await s.phone.hears(`<iq type='result' id='p' from='juliet@home.test/balcony'/>`)
})
