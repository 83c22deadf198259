import {
  Delay,
  delayBy,
  hasHint,
  isCopied,
  isKeptForLater,
  isMessage,
  isOnlyChatState,
  type Message,
  messageType,
  type Presence,
  type Stanza,
  StanzaError,
  withoutDelay,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, type Passage, type Target } from '../../module.ts'
import { when } from '../../when.ts'
import { archive, isForAccount } from '../archive.ts'
import { carbonsSince } from '../carbons.ts'
import { presence } from '../presence/presence.ts'
import { stanzaId } from '../stanza-id.ts'
import { Backlogs } from './backlogs.ts'
import { type Batch, type Held, Waiting } from './waiting.ts'

/** Where a session's record says since when (milliseconds since the Unix epoch) it takes what is addressed to its account. */
const key = 'offline'

/** Messages wait for an account until one of its resources takes them, and nobody else is given them again. */
export const offline = defineModule({
  name: 'offline',
  xeps: ['XEP-0160 1.0.1', 'XEP-0203 2.0'],
  needs: [archive, presence, stanzaId],
  features: { server: ['msgoffline'] },
  config: z.object({
    limit: z.int().min(0).default(1000).describe('Most messages that wait for one account; more are refused.'),
  }),
  start(host) {
    const { domain, clock } = host
    const { log, onLost } = host.use(archive)
    const waiting = new Waiting(log)
    const refused = host.metrics.counter(
      'jackdaw_offline_refused_total',
      'Messages refused because too many wait for the account',
    )
    const kept = host.metrics.counter('jackdaw_offline_messages_total', 'Messages that began to wait for an account')
    /** Found before the presence of a session lets it take them. */
    const batches = new Map<Target, Batch>()
    const backlogs = new Backlogs(
      waiting,
      (held, session) => session.deliver(delayed(held)),
      (error) => host.log.error({ err: error }, 'messages could not be handed over and wait'),
    )
    host.onStop(() => backlogs.stop())

    // XEP-0203 §5: what we say about delays nobody else says.
    host.hook('message:in', 'stamp', (passage) => {
      passage.stanza = withoutDelay(passage.stanza, domain)
    })

    host.hook('message:in', 'check', (passage) => {
      if ((mayWait(passage) || isBehind(passage)) && waiting.isFull(accountOf(passage.stanza), host.config.limit)) {
        refused.inc()
        throw new StanzaError('service-unavailable', 'Too many messages wait for this account')
      }
    })

    host.hook('message:in', 'deliver', (passage) => {
      const { stanza, recipients } = passage
      const account = accountOf(stanza)
      if (isLasting(stanza) && backlogs.divert(account, recipients)) {
        const id = waiting.keep(account, stanza, clock.now())
        kept.inc()
        if (recipients.size > 0) backlogs.given(account, id)
        passage.isKept = true
      } else if (mayWait(passage)) {
        waiting.keep(account, stanza, clock.now())
        kept.inc()
        passage.isKept = true
      } else if (recipients.size === 0 && isOnlyChatState(stanza)) {
        // XEP-0085 §5.8: not kept; nor does everybody who types learn that nobody is there.
        passage.isKept = true
      }
    })

    host.hook('presence:out', 'check', ({ stanza, sender }) => {
      const session = sender!
      if (stanza.type !== undefined || stanza.to || !isWilling(stanza) || isWilling(session.presence)) return
      if (backlogs.isTaken(session.account)) return
      return when(waiting.open(session.account), (batch) => {
        drop(session)
        if (host.session(session.jid) === session) batches.set(session, batch)
        else waiting.drop(batch)
      })
    })

    const stopListening = host.use(presence).onBroadcast(({ session, presence: sent, before }) => {
      const batch = batches.get(session)
      batches.delete(session)
      if (sent.type !== undefined || !isWilling(sent)) {
        session.set(key, undefined)
        if (backlogs.leave(session)) pass(session)
      } else if (!isWilling(before)) session.set(key, clock.now())
      if (!batch) return
      // Of two that come at once the first has them.
      if (backlogs.isTaken(session.account)) waiting.drop(batch)
      else backlogs.begin(batch, [session])
    })
    host.onStop(stopListening)
    host.onStop(onLost((account) => waiting.recount(account)))

    // XEP-0386 §3.2: who binds so reads the archive; what is not in there goes on to wait.
    host.streamFeature({
      name: 'offline messages',
      binding: {
        async prepare(account) {
          const ids = await waiting.archived(account)
          return () => {
            waiting.settle(account, ids)
            waiting.recount(account.toString())
            return undefined
          }
        },
      },
    })

    host.on('session:resumed', ({ session }) => backlogs.resume(session))

    host.on('session:gone', ({ session, undelivered }) => {
      drop(session)
      const others = takers(session)
      let mayPass = backlogs.leave(session) && others.length > 0
      for (const { stanza, at: sent } of undelivered) {
        if (!isConversation(stanza, session)) continue
        const at = delayBy(stanza, domain) ?? sent
        const message = withoutDelay(stanza, domain)
        if (others.some((other) => hasHad(other, session, at, message))) continue
        if (!hasHint(message, 'no-store')) {
          waiting.keep(session.account, message, at)
          kept.inc()
          mayPass = others.length > 0
        } else if (others.length === 0) refuse(session, stanza)
        else for (const other of others) other.deliver(delayed({ at, message }))
      }
      if (mayPass) pass(session)
    })

    /** To whoever has said it; what is for the own account need not say so (RFC 6120 §10.3). */
    function refuse({ account }: Target, stanza: Message): void {
      const error = stanza.error(new StanzaError('service-unavailable'))
      host.send(stanza.to ? error : error.addressed({ from: account, to: stanza.from }))
    }

    /** XEP-0198 §4: hands what a session never acknowledged to the others of its account. */
    function pass(session: Target): void {
      // Who is taking what waits will come to it.
      if (backlogs.isTaken(session.account)) return
      const handed = when(waiting.open(session.account), (batch) => {
        const others = takers(session)
        // They have gone too: let it wait.
        if (others.length === 0) return waiting.drop(batch)
        backlogs.begin(batch, others)
      })
      if (handed instanceof Promise)
        handed.catch((error: unknown) => host.log.error({ err: error }, 'messages could not be passed on and wait'))
    }

    /** Whether all who would get the message must wait for what came before it. */
    function isBehind({ stanza, recipients }: Passage<Message>): boolean {
      return isLasting(stanza) && backlogs.holds(accountOf(stanza), recipients)
    }

    function takers(but: Target): Target[] {
      return [...host.sessions(but.account)].filter((session) => session !== but && isWilling(session.presence))
    }

    function drop(session: Target): void {
      const batch = batches.get(session)
      if (batch) waiting.drop(batch)
      batches.delete(session)
    }

    function delayed({ at, message }: Pick<Held, 'at' | 'message'>): Message {
      return message.append(Delay.write({ stamp: at, from: domain }))
    }
  },
})

function accountOf({ to, from }: Stanza) {
  return (to ?? from!).bare
}

/** RFC 6121 §8.5.2.2, XEP-0160 §2: nobody is there, and the message is of a kind that waits. */
function mayWait({ stanza, recipients }: Passage<Message>): boolean {
  return (
    recipients.size === 0 && accountOf(stanza).local !== undefined && isForAccount(stanza) && isKeptForLater(stanza)
  )
}

/** RFC 6121 §8.5.2.1.1: whether who sent this presence takes what is addressed to the account. */
function isWilling(sent: Presence | undefined): boolean {
  return sent !== undefined && Number(sent.child('priority')?.text ?? 0) >= 0
}

/** Whether a message that comes now may wait until what came before it has been handed over. */
function isLasting(stanza: Message): boolean {
  const type = messageType(stanza)
  return (type === 'chat' || type === 'normal') && isKeptForLater(stanza)
}

/** Whether what was handed to a session is a message that people exchange, and no copy that the account made for this session. */
function isConversation(stanza: Stanza, { account }: Target): stanza is Message {
  if (!isMessage(stanza) || account.equals(stanza.from)) return false
  const type = messageType(stanza)
  return (type === 'chat' || type === 'normal') && !isOnlyChatState(stanza)
}

/** Whether a session knows a message that another of its account has lost: as its sender, or because it got it too when it came, forked or as a copy. */
function hasHad(session: Target, lost: Target, at: number, message: Message): boolean {
  if (session.jid.equals(message.from)) return true
  const wasThere = (since: number | undefined) => since !== undefined && since < at
  const isForked = !lost.jid.equals(message.to)
  return (
    (isForked && wasThere(session.get<number>(key))) || (isCopied(message, 'in') && wasThere(carbonsSince(session)))
  )
}
