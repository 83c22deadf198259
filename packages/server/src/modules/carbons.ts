import {
  carbon,
  carbonsNs,
  DisableCarbons,
  EnableCarbons,
  type Forwarded,
  hasHint,
  isCopied,
  type Jid,
  type Message,
  type Payload,
  ReceivedCarbon,
  SentCarbon,
  StanzaError,
  StanzaId,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, type Target } from '../module.ts'
import { archive, isForAccount } from './archive.ts'

/** Where a session's record says since when (milliseconds since the Unix epoch) it wants copies. */
const key = 'carbons'

/** Both sides of all conversations for all resources of an account. */
export const carbons = defineModule({
  name: 'carbons',
  xeps: ['XEP-0280 1.0.1'],
  needs: [archive],
  features: { server: [carbonsNs] },
  config: z.object({ limit: z.int().min(1).default(50).describe('Most copies made of one message.') }),
  start(host) {
    const { idOf } = host.use(archive)
    const copies = host.metrics.counter(
      'jackdaw_carbons_total',
      'Copies of messages made for other sessions of an account',
    )

    host.answer('set', 'account', EnableCarbons, ({ sender, isOwn }) => enable(own(sender, isOwn)))
    host.answer('set', 'account', DisableCarbons, ({ sender, isOwn }) => own(sender, isOwn).set(key, undefined))

    host.streamFeature({
      name: 'carbons',
      binding: {
        name: carbonsNs,
        prepare: (_, request) =>
          request.child(EnableCarbons.name, carbonsNs) && (({ jid }) => enable(host.session(jid)!)),
      },
    })

    function enable(session: Target): undefined {
      if (carbonsSince(session) === undefined) session.set(key, host.clock.now())
    }

    host.hook('message:out', 'copy', (passage) => {
      const { stanza } = passage
      const from = stanza.from!
      const account = from.bare
      // What an account sends to itself is copied where it arrives: no resource needs it twice.
      if (!stanza.to || stanza.to.bare.equals(account)) return
      const wanting = wantingCopies(account, from)
      if (!wanting || !isCopied(stanza, 'out')) return
      // XEP-0313 §3.5: the copy, and only the copy, tells the id in the sender's archive.
      const id = idOf(passage)
      copy(SentCarbon, id === undefined ? stanza : stanza.append(StanzaId.write({ id, by: account })), wanting)
      copies.inc(wanting.length)
    })

    host.hook('message:in', 'copy', ({ stanza, recipients }) => {
      const wanting = wantingCopies((stanza.to ?? stanza.from!).bare, stanza.from, recipients)
      if (!wanting || !isCopied(stanza, 'in')) return
      // What nobody gets is not copied either; so an error to a copy, which is addressed to the account, ends here (§10.3).
      if (recipients.size === 0 && (!isForAccount(stanza) || hasHint(stanza, 'no-store'))) return
      copy(ReceivedCarbon, stanza, wanting)
      copies.inc(wanting.length)
    })

    /** The resources of the account that have enabled copies, but for the sender and those who get the message itself (§7, §8). */
    function wantingCopies(
      account: Jid,
      from: Jid | undefined,
      recipients?: ReadonlySet<Target>,
    ): Target[] | undefined {
      let wanting: Target[] | undefined
      for (const session of host.sessions(account)) {
        if (recipients?.has(session) || session.jid.equals(from) || carbonsSince(session) === undefined) continue
        if (wanting) wanting.push(session)
        else wanting = [session]
        if (wanting.length === host.config.limit) break
      }
      return wanting
    }
  },
})

/** Since when (milliseconds since the Unix epoch) the session has copies made for it. */
export function carbonsSince(session: Target): number | undefined {
  return session.get<number>(key)
}

function own(sender: Target | undefined, isOwn: boolean): Target {
  if (!sender || !isOwn) throw new StanzaError('not-allowed', 'Only a resource of the account gets copies')
  return sender
}

function copy(kind: Payload<Forwarded>, original: Message, to: readonly Target[]): void {
  let made: Message | undefined
  for (const target of to) {
    made = made ? made.addressed({ to: target.jid }) : carbon(kind, original, target.jid)
    target.deliver(made)
  }
}
