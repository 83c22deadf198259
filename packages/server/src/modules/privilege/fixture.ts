import { type Actor, type ComponentActor, scenario, type ScenarioOptions } from '@jackdaw/testkit'

export const domain = 'butler.home.test'
export const secret = 'a secret that nobody guesses'
export const romeo = 'romeo@home.test'
export const juliet = 'juliet@home.test'
export const errorsNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'
export const privilegeNs = 'urn:xmpp:privilege:2'

/** Romeo and Juliet, Mab of another host, and two components of home.test that are connected: one as described, the other without anything. */
export async function playing(described: object, options: ScenarioOptions = {}, host: object = {}) {
  const s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], 'mab@other.test': ['nutshell'] },
    ...options,
    config: {
      hosts: {
        'home.test': { components: { [domain]: { secret, ...described }, 'irc.home.test': { secret } }, ...host },
        'other.test': {},
      },
    },
  })
  const component = s.component(domain, secret)
  await component.connect()
  const plain = s.component('irc.home.test', secret)
  await plain.connect()
  return Object.assign(s, {
    component: component as ComponentActor,
    plain: plain as ComponentActor,
    phone: s['phone'] as Actor,
    balcony: s['balcony'] as Actor,
    nutshell: s['nutshell'] as Actor,
  })
}

/** Romeo sees the presence of a contact, who sees his. */
export async function befriend(one: Actor, other: Actor): Promise<void> {
  for (const [a, b] of [
    [one, other],
    [other, one],
  ] as const) {
    a.says(`<presence to='${b.account}' type='subscribe'/>`)
    await a.sync()
    await b.sync()
    b.says(`<presence to='${a.account}' type='subscribed'/>`)
    await b.sync()
  }
  for (const client of [one, other]) {
    await client.sync()
    client.clear()
  }
}
