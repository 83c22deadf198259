import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { onTestFinished } from 'vitest'

export const room = 'coven@rooms.home.test'
export const userNs = 'http://jabber.org/protocol/muc#user'
export const errorsNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** The three witches of XEP-0045 §4.3, logged in; nobody is in a room. */
export async function witches(options: ScenarioOptions = {}) {
  const play = await scenario({
    accounts: { crone1: ['desktop'], wiccarocks: ['laptop', 'tablet'], hag66: ['pda'] },
    ...options,
  })
  onTestFinished(() => play.stop())
  const { desktop, laptop, tablet, pda } = play.clients as Record<string, Actor>
  return Object.assign(play, { desktop: desktop!, laptop: laptop!, tablet: tablet!, pda: pda! })
}

export type Witches = Awaited<ReturnType<typeof witches>>

/** Asks to enter. */
export function enters(client: Actor, nick: string, content = '', to = room): void {
  client.says(`<presence to='${to}/${nick}'><x xmlns='http://jabber.org/protocol/muc'>${content}</x></presence>`)
}

/** Enters, and has heard all of it up to the subject. */
export async function entered(client: Actor, nick: string, content = '', to = room): Promise<void> {
  enters(client, nick, content, to)
  await client.awaits(`<message from='${to}' type='groupchat'><subject/></message>`)
}

/** What an owner submits. */
export function configured(client: Actor, fields: Record<string, string | readonly string[]> = {}, to = room) {
  const written = Object.entries(fields).map(
    ([name, value]) =>
      `<field var='${name.includes('#') ? name : `muc#roomconfig_${name}`}'>${[value]
        .flat()
        .map((one) => `<value>${one}</value>`)
        .join('')}</field>`,
  )
  return client.asks(
    `<iq to='${to}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>${written.join('')}</x></query></iq>`,
  )
}

/** The first witch's room, with that configuration, and the others in it under their nicknames. */
export async function coven(fields: Record<string, string | readonly string[]> = {}, options: ScenarioOptions = {}) {
  const play = await witches(options)
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop, fields)
  await entered(play.laptop, 'secondwitch')
  await entered(play.pda, 'thirdwitch')
  await quiet(play)
  return play
}

/** Lets everybody have heard everything, and forgets it. */
export async function quiet(play: Witches): Promise<void> {
  for (const client of Object.values(play.clients)) if (client.isConnected) await client.sync()
  for (const client of Object.values(play.clients)) client.clear()
}

/** Changes roles or affiliations. */
export function admin(client: Actor, items: string, type = 'set', to = room) {
  return client.asks(
    `<iq to='${to}' type='${type}'><query xmlns='http://jabber.org/protocol/muc#admin'>${items}</query></iq>`,
  )
}

/** The extension of a presence or message of the room. */
export function x(...parts: readonly (string | number)[]): string {
  const children = parts.map((part) => (typeof part === 'number' ? `<status code='${part}'/>` : part))
  return `<x xmlns='${userNs}'>${children.join('')}</x>`
}

export function error(condition: string): string {
  return `<error><${condition} xmlns='${errorsNs}'/></error>`
}

export function says(client: Actor, body: string, attrs = ''): void {
  client.says(`<message to='${room}' type='groupchat' ${attrs}><body>${body}</body></message>`)
}
