import { defineModule, type Module } from '@jackdaw/server'
import type { Jid, Stanza } from '@jackdaw/xmpp'

/** What the server has taken in hand, in its order: the one thing that no model can foretell. */
export type Taken =
  | { readonly kind: 'stanza'; readonly jid: Jid; readonly stanza: Stanza }
  | { readonly kind: 'bound'; readonly jid: Jid }
  /** `undelivered`: what the session's client never acknowledged. */
  | { readonly kind: 'gone'; readonly jid: Jid; readonly undelivered: readonly Stanza[] }

/** A module that must be the first to run. All stanzas of clients have an id; those without are the server's own, on a session's behalf. */
export function observer(tell: (taken: Taken) => void): Module {
  return defineModule({
    name: 'observer',
    start(host) {
      const see = ({ stanza, sender }: { stanza: Stanza; sender: { jid: Jid } | undefined }) => {
        if (stanza.id !== undefined) tell({ kind: 'stanza', jid: sender!.jid, stanza })
      }
      host.hook('message:out', 'check', see)
      host.hook('presence:out', 'check', see)
      host.hook('iq:out', 'check', see)
      host.on('session:bound', ({ session }) => tell({ kind: 'bound', jid: session.jid }))
      host.on('session:gone', ({ session, undelivered }) => tell({ kind: 'gone', jid: session.jid, undelivered }))
    },
  })
}
