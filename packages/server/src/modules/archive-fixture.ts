import type { Actor } from '@jackdaw/testkit'
import { type Element, MamFin, MamQuery, MamResult } from '@jackdaw/xmpp'
import { expect } from 'vitest'

/** A page of the client's archive, and the bodies of its messages, in the order in which they came. */
export async function query(client: Actor, value: MamQuery = {}) {
  client.clear()
  const answer = await client.ask('set', MamQuery.write(value))
  const messages = client.inbox.filter((stanza) => stanza.child('result', MamQuery.ns))
  const results = messages.map((stanza) => MamResult.read(stanza.child('result', MamQuery.ns)!))
  const bodies = results.map(({ forwarded }) => forwarded.stanza.child('body')?.text)
  return { messages, results, bodies, ids: results.map(({ id }) => id), fin: MamFin.read(answer.first()!) }
}

export const refusal = (condition: string): unknown => expect.objectContaining({ name: 'StanzaError', condition })

export const say = (client: Actor, to: string, body: string): void =>
  client.says(`<message to='${to}' type='chat'><body>${body}</body></message>`)

export function withoutNs(element: Element): string {
  return element.toString().replace(" xmlns='jabber:client'", '')
}
