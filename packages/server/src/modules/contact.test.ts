import { scenario } from '@jackdaw/testkit'
import { DiscoInfo } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { caps } from './caps.ts'
import { contact } from './contact.ts'

const modules = [contact, caps]
const accounts = { juliet: ['chamber'] }
const config = (fields: Record<string, unknown>) => ({ hosts: { 'home.test': { modules: { contact: fields } } } })

async function formsOf({ chamber }: { readonly [name: string]: any }) {
  const answer = await chamber.asks(
    "<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  return DiscoInfo.read(answer.first()).forms
}

test('XEP-0157 §3: the server tells whom to turn to', async () => {
  const fields = { abuse: ['mailto:abuse@home.test', 'xmpp:abuse@home.test'], status: ['https://status.home.test'] }
  await using s = await scenario({ accounts, modules, config: config(fields) })
  expect(await formsOf(s)).toMatchObject([
    {
      type: 'result',
      fields: [
        { var: 'FORM_TYPE', type: 'hidden', values: ['http://jabber.org/network/serverinfo'] },
        { var: 'abuse-addresses', values: fields.abuse },
        { var: 'status-addresses', values: fields.status },
      ],
    },
  ])
})

test('XEP-0157 §3: where there is nobody, nothing is told', async () => {
  await using s = await scenario({ accounts, modules })
  expect(await formsOf(s)).toEqual([])
})

test('XEP-0157 §3: an address that is no URI is refused', async () => {
  await expect(scenario({ modules, config: config({ abuse: ['abuse@home.test'] }) })).rejects.toThrow('expected a URI')
})

test('XEP-0115 §5.1: the addresses are part of what is hashed', async () => {
  const ver = async (fields: Record<string, unknown>) => {
    await using s = await scenario({ accounts, modules, config: config(fields) })
    return s.chamber.features.child('c', 'http://jabber.org/protocol/caps').attr('ver')
  }
  expect(await ver({ admin: ['xmpp:admin@home.test'] })).not.toBe(await ver({}))
})
