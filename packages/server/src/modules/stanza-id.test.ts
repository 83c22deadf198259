import { type Actor, scenario } from '@jackdaw/testkit'
import type { Element } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { presence } from './presence/presence.ts'
import { stanzaId } from './stanza-id.ts'

const forged = (by: string) => `<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='${by}'/>`
const origin = "<origin-id xmlns='urn:xmpp:sid:0' id='o'/>"

function ids(stanza: Element): string[] {
  return stanza
    .elements()
    .filter(({ ns }) => ns === 'urn:xmpp:sid:0')
    .map((child) => child.attr('by') ?? child.name)
}

test('XEP-0359 §3 rules 2 and 3: ids that claim to be by one of the two accounts are deleted, others stay', async () => {
  await using stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'] },
    modules: [stanzaId, presence],
  })
  const phone: Actor = stage['phone']
  const balcony: Actor = stage['balcony']
  const claims = ['juliet@home.test', 'Juliet@HOME.test', 'romeo@home.test', 'room@rooms.test', 'home.test'].map(forged)
  // §2.2: also where the server adds no id of its own, and to a resource as well as to the account.
  for (const to of ['juliet@home.test', 'juliet@home.test/balcony']) {
    balcony.comes()
    await balcony.sync()
    phone.says(
      `<message to='${to}'><active xmlns='http://jabber.org/protocol/chatstates'/>${claims.join('')}${origin}</message>`,
    )
    expect(ids(await balcony.awaits('<message/>'))).toEqual(['room@rooms.test', 'home.test', 'origin-id'])
  }
})
