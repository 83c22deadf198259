import { type Jid, type Message, StanzaError } from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import type { Engine } from './engine.ts'
import type { Node } from './node.ts'

/** The id of a notification, by which a bounce is known (XEP-0060 §12.4): unguessable is only its end. */
export function notificationId(node: Node, chance: string): string {
  return `${encodeURIComponent(node.id)} ${chance}`
}

/** §12.4: who cannot be reached for good is not a subscriber any more. */
export function bounced(engine: Engine, service: Jid, stanza: Message): Awaitable<void> {
  const { id, from } = stanza
  const { type, condition } = StanzaError.from(stanza)
  const node = nodeOf(id)
  if (!from || node === undefined || (type !== 'cancel' && condition !== 'gone')) return
  return when(engine.shelves.node(service, node), (found) => {
    for (const subscription of found?.subscriptions.get(from.toString()) ?? [])
      engine.shelves.unsubscribe(found!, subscription)
  })
}

function nodeOf(id: string | undefined): string | undefined {
  const [name, chance] = id?.split(' ') ?? []
  if (name === undefined || chance === undefined) return undefined
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}
