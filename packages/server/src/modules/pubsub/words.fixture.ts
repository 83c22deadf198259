import { createHash } from 'node:crypto'
import type { Actor } from '@jackdaw/testkit'
import { Caps, capsText, DiscoInfo, type Element, iq, pubsubNs, type Stanza } from '@jackdaw/xmpp'
import { expect } from 'vitest'

export const ns = pubsubNs

/** A StanzaError, with an application condition where one is given. */
export const refusal = (condition: string, application?: string, feature?: string) =>
  expect.objectContaining({
    name: 'StanzaError',
    condition,
    application: application
      ? expect.objectContaining({ name: application, ...(feature && { attrs: ['feature', feature] }) })
      : undefined,
  })

type Values = Record<string, string | readonly string[]>

/** A submitted form of XEP-0060. */
export function form(type: string, values: Values): string {
  const field = ([name, value]: [string, string | readonly string[]]) =>
    `<field var='pubsub#${name}'>${[value]
      .flat()
      .map((one) => `<value>${one}</value>`)
      .join('')}</field>`
  const fields = Object.entries(values).map(field).join('')
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${ns}#${type}</value></field>${fields}</x>`
}

export const preconditions = (values: Values) => `<publish-options>${form('publish-options', values)}</publish-options>`

/** Asks within `<pubsub/>`; resolves with what is in that of the answer. */
export async function ask(
  client: Actor,
  type: 'get' | 'set',
  to: string | undefined,
  content: string,
  part = '',
): Promise<Element | undefined> {
  const address = to === undefined ? '' : ` to='${to}'`
  const answer = await client.asks(`<iq type='${type}'${address}><pubsub xmlns='${ns}${part}'>${content}</pubsub></iq>`)
  return answer.first()
}

/** The same for owners. */
export const own = (client: Actor, type: 'get' | 'set', to: string | undefined, content: string) =>
  ask(client, type, to, content, '#owner')

const discoOf = (features: readonly string[]): DiscoInfo => ({
  identities: [{ category: 'client', type: 'pc' }],
  features,
  forms: [],
})

/** Sends presence, to all or to these, that says by its hash that the client wants to hear of these nodes; answers when it is asked what that means. */
export async function comesFor(
  client: Actor,
  nodes: readonly string[],
  ...whom: (string | undefined)[]
): Promise<void> {
  const info = discoOf(nodes.map((node) => `${node}+notify`))
  const ver = createHash('sha1').update(capsText(info)).digest('base64')
  const caps = Caps.write({ hash: 'sha-1', node: 'urn:test', ver })
  for (const to of whom.length > 0 ? whom : [undefined])
    client.says(`<presence${to ? ` to='${to}'` : ''}>${caps}</presence>`)
  await client.sync()
  for (const asked of client.inbox) {
    const query = asked.child(DiscoInfo.name, DiscoInfo.ns)
    if (asked.name !== 'iq' || !query) continue
    client.send(
      iq({ type: 'result', id: asked.id, to: asked.from }, DiscoInfo.write({ ...info, node: query.attr('node') })),
    )
  }
  await client.sync()
  const heard = client.inbox.filter((stanza) => stanza.name === 'message')
  client.clear()
  for (const stanza of heard) again(client, stanza)
}

/** What was heard is heard once more: the rest has been taken. */
function again(client: Actor, stanza: Stanza): void {
  ;(client.inbox as Stanza[]).push(stanza)
}

/** What the client has heard of events, in order, as `item`, `retract` … with node and id. */
export function events(client: Actor): string[] {
  const heard = client.inbox.filter((stanza) => stanza.name === 'message')
  client.clear()
  return heard.flatMap((stanza) =>
    (stanza.child('event', 'http://jabber.org/protocol/pubsub#event')?.elements() ?? []).flatMap((one) => {
      const node = one.attr('node')
      const inner = one.elements().map((item) => `${item.name} ${node} ${item.attr('id') ?? ''}`.trim())
      const state = one.attr('subscription')
      if (state) return [`${one.name} ${node} ${one.attr('jid')} ${state}`]
      return inner.length > 0 && one.name === 'items' ? inner : [`${one.name} ${node}`]
    }),
  )
}
