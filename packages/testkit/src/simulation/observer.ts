import { defineModule, type Module, type Target } from '@jackdaw/server'
import type { Stanza } from '@jackdaw/xmpp'

/** A session of the server's, with the number of stanzas that it has handled (XEP-0198). */
export type Observed = Target & { readonly handled: number }

/** What the server has taken in hand, in its order: the one thing that no model can foretell. */
export type Taken = { readonly session: Observed } & (
  | { readonly kind: 'bound' }
  | { readonly kind: 'stanza'; readonly stanza: Stanza }
  /** `undelivered`: what the client never acknowledged. */
  | { readonly kind: 'gone'; readonly undelivered: readonly Stanza[] }
)

/** A module that must be the first to run. All stanzas of clients have an id; those without are the server's own, on a session's behalf. */
export function observer(tell: (taken: Taken) => void): Module {
  return defineModule({
    name: 'observer',
    start(host) {
      const see = ({ stanza, sender }: { stanza: Stanza; sender: Target | undefined }) => {
        if (stanza.id !== undefined) tell({ kind: 'stanza', session: sender as Observed, stanza })
      }
      host.hook('message:out', 'check', see)
      host.hook('presence:out', 'check', see)
      host.hook('iq:out', 'check', see)
      host.on('session:bound', ({ session }) => tell({ kind: 'bound', session: session as Observed }))
      host.on('session:gone', ({ session, undelivered }) =>
        tell({ kind: 'gone', session: session as Observed, undelivered: undelivered.map(({ stanza }) => stanza) }),
      )
    },
  })
}
