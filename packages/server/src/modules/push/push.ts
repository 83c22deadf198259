import {
  Form,
  type Jid,
  isCopied,
  isMessage,
  type Message,
  messageType,
  PushDisable,
  PushEnable,
  pushNs,
  type PushSummary,
  pubsubNs,
  stanzaIdBy,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { duration } from '../../config/fields.ts'
import { defineModule, map, type Passage, type Target } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { carbonsSince } from '../carbons.ts'
import { isInactive } from '../csi.ts'
import { inbox } from '../inbox/inbox.ts'
import type { Audience } from '../muc/audience.ts'
import { offline } from '../offline/offline.ts'
import { pubsub } from '../pubsub/pubsub.ts'
import { roster as rosterModule } from '../roster/roster.ts'
import { type Notice, noticeOf } from './notice.ts'
import { Publisher } from './publisher.ts'
import { type Enabled, type EnabledServices, keyOf, Services } from './services.ts'
import { Settings } from './settings.ts'
import { Unacknowledged } from './unacknowledged.ts'

/** Where a session's record says which services its client has enabled. */
const key = 'push'

/** Of a node's name and of publish-options, in characters. */
const longestNode = 1024
const longestOptions = 4096

const fields = ['message-count', 'pending-subscription-count', 'last-message-sender', 'last-message-body'] as const

/** Tells the push services of an account's clients that something waits for it, so that they wake up and fetch it. */
export const push = defineModule({
  name: 'push',
  xeps: ['XEP-0357 0.4.1', 'XEP-0492 0.2.0'],
  needs: [offline, rosterModule, inbox, pubsub],
  features: { account: [pushNs] },
  right: 'push',
  config: z.object({
    services: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('Most push services that one account has enabled; one more takes the place of the oldest.'),
    fields: z
      .array(z.enum(fields))
      .default(['message-count', 'pending-subscription-count'])
      .describe(
        'What notifications tell the push service, which is a third party: counts, who sent the last message, what it says (never of an encrypted one).',
      ),
    grace: duration({ min: '1 s', max: '1 h' })
      .prefault('20 s')
      .describe('How long a connected client may take to acknowledge a message before it is notified.'),
    interval: duration({ min: '0 s', max: '1 h' })
      .prefault('1 s')
      .describe('Least time between two notifications to one service; what comes meanwhile is told together.'),
    attempts: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('How often in a row a service may be out of reach before it is disabled; one that refuses is at once.'),
  }),
  stores: { enabled: map<Enabled>(), outstanding: map<true>() },
  start(host) {
    const { config, clock, stores, metrics, roles } = host
    const { rosters } = host.use(rosterModule)
    const conversations = host.use(inbox)
    const settings = new Settings(host.use(pubsub))
    const services = new Services(stores.enabled, config.services)
    const tells = new Set(config.fields)
    let audienceOf: (room: string) => Awaitable<Audience | undefined> = () => undefined

    const publisher = new Publisher({
      host,
      services,
      outstanding: stores.outstanding,
      interval: config.interval,
      attempts: config.attempts,
      summary,
      count: {
        published: metrics.counter('jackdaw_push_notifications_total', 'Notifications that push services have taken'),
        failed: metrics.counter('jackdaw_push_failures_total', 'Notifications that push services have not taken'),
        disabled: metrics.counter('jackdaw_push_disabled_total', 'Push services disabled because of their errors'),
      },
    })
    metrics.gauge('jackdaw_push_outstanding', 'Push services that are being told', () => publisher.size)
    host.onStop(() => publisher.stop())

    const unacknowledged = new Unacknowledged(clock, config.grace, (session, notice) => {
      for (const one of session.get<string[]>(key) ?? []) publisher.notify(session.account, one, notice)
    })
    host.onStop(() => unacknowledged.stop())

    host.answer('set', 'account', PushEnable, ({ payload: { jid, node = '', options }, to, sender, isOwn }) => {
      const session = own(sender, isOwn)
      if (!roles.may(to, 'push')) throw new StanzaError('forbidden', 'You may not enable push services')
      const form = options && Form.write(options).toString()
      if (node.length > longestNode || (form?.length ?? 0) > longestOptions)
        throw new StanzaError('not-acceptable', 'The node or its options are too long')
      const service = { jid: jid.toString(), node, at: clock.now(), ...(form !== undefined && { options: form }) }
      return when(services.enable(to, service), () => {
        const known = session.get<string[]>(key) ?? []
        const one = keyOf(jid, node)
        if (!known.includes(one)) session.set(key, [...known, one].slice(-config.services))
      })
    })

    host.answer('set', 'account', PushDisable, ({ payload: { jid, node }, to, sender, isOwn }) => {
      const session = own(sender, isOwn)
      return when(services.of(to), (enabled) => {
        for (const [one, service] of enabled)
          if (service.jid === jid.toString() && (node === undefined || service.node === node)) disable(to, one)
        const isMeant = (one: string) =>
          node === undefined ? one.startsWith(keyOf(jid, '')) : one === keyOf(jid, node)
        const left = session.get<string[]>(key)?.filter((one) => !isMeant(one))
        session.set(key, left?.length ? left : undefined)
      })
    })

    // §7: the service says that it takes nothing more.
    host.hook('message:in', 'store', ({ stanza }) => {
      const pubsubElement = stanza.child('pubsub', pubsubNs)
      if (!pubsubElement || pubsubElement.child('affiliation')?.attr('affiliation') !== 'none') return
      const account = accountOf(stanza)
      const one = keyOf(stanza.from!, pubsubElement.attr('node') ?? '')
      return when(services.of(account), (enabled) => {
        if (enabled.has(one)) disable(account, one)
      })
    })

    host.hook('message:in', 'deliver', (passage) => {
      const { stanza, recipients, isKept } = passage
      const account = accountOf(stanza)
      if (account.local === undefined || (recipients.size === 0 && !isKept)) return
      return when(services.of(account), (enabled) => {
        if (enabled.size === 0) return
        const notice = noticeOf(stanza)
        // What another device of the account says is no news.
        if (!notice || account.equals(stanza.from?.bare)) return
        return when(wants(account, stanza), (isWanted) => {
          if (isWanted) tell(account, enabled, passage, notice)
        })
      })
    })

    // RFC 6121 §3.1.3: a request waits for the answer.
    host.hook('presence:in', 'copy', ({ stanza }) => {
      const { type, from, to } = stanza
      if (type !== 'subscribe' || to?.local === undefined) return
      const account = to.bare
      return when(services.of(account), (enabled) => {
        if (enabled.size === 0) return
        return when(rosters.of(account), (roster) => {
          if (roster.contact(from!.bare).request !== '') return
          clock.soon(() => {
            if (roster.contact(from!.bare).request === '') return
            for (const one of enabled.keys()) {
              const session = sessionOf(account, one)
              if (!session?.isAvailable || session.isDetached) publisher.notify(account, one, undefined)
            }
          })
        })
      })
    })

    host.on('session:resumed', ({ session }) => unacknowledged.resumed(session))
    host.on('session:gone', ({ session, undelivered }) =>
      unacknowledged.gone(session, undelivered, (stanza) => (isMessage(stanza) ? noticeOf(stanza) : undefined)),
    )
    host.on('account:removed', ({ account }) => {
      services.forget(account)
      publisher.forget(account)
    })

    // When the services of this server are there.
    host.onStop(clock.after(1000, () => void publisher.recover()))

    function tell(
      account: Jid,
      enabled: EnabledServices,
      { stanza, recipients, isKept }: Passage<Message>,
      notice: Notice,
    ) {
      const isThere = isKept || stanzaIdBy(stanza, account) !== undefined
      for (const one of enabled.keys()) {
        const session = sessionOf(account, one)
        const isCopy = session && carbonsSince(session) !== undefined && isCopied(stanza, 'in')
        if (session && (recipients.has(session) || (recipients.size > 0 && isCopy))) handed(session, one, notice)
        else if (isThere && messageType(stanza) !== 'groupchat') publisher.notify(account, one, notice)
      }
    }

    /** A client whose connection is broken, or of which nobody knows whether it is there, is notified. */
    function handed(session: Target, one: string, notice: Notice): void {
      if (session.isDetached || (!session.isManaged && isInactive(session)))
        publisher.notify(session.account, one, notice)
      else if (session.isManaged) unacknowledged.handed(session, notice)
    }

    function wants(account: Jid, stanza: Message): Awaitable<boolean> {
      const from = stanza.from!
      if (messageType(stanza) !== 'groupchat') return settings.wants(account, from)
      return when(audienceOf(from.bare.toString()), (audience) =>
        settings.wantsOfRoom(account, from.bare, stanza, audience),
      )
    }

    async function summary(account: Jid, last: Notice | undefined): Promise<PushSummary> {
      const unread = tells.has('message-count') ? await conversations.unread(account) : undefined
      const roster = tells.has('pending-subscription-count') ? await rosters.of(account) : undefined
      return {
        // In rooms nothing is counted.
        messageCount: unread && last?.sender ? Math.max(unread, 1) : unread,
        pendingSubscriptionCount:
          roster && [...roster.contacts.values()].filter(({ request }) => request !== '').length,
        lastMessageSender: tells.has('last-message-sender') ? last?.sender?.toString() : undefined,
        lastMessageBody: tells.has('last-message-body') ? last?.body : undefined,
      }
    }

    /** The session of the client that has enabled the service, before others one that is connected. */
    function sessionOf(account: Jid, one: string): Target | undefined {
      let found: Target | undefined
      for (const session of host.sessions(account))
        if (session.get<string[]>(key)?.includes(one) && (!found || found.isDetached)) found = session
      return found
    }

    function disable(account: Jid, one: string): void {
      services.remove(account, one)
      publisher.drop(account, one)
    }

    return {
      services,
      sessionOf,
      wantsOfRoom: (account: Jid, room: Jid, stanza: Message, audience: Audience) =>
        settings.wantsOfRoom(account, room, stanza, audience),
      notify: (account: Jid, one: string, notice: Notice) => publisher.notify(account, one, notice),
      /** Lets a module tell of rooms; returns what ends that. */
      onRoom(of: typeof audienceOf): () => void {
        audienceOf = of
        return () => void (audienceOf = () => undefined)
      },
    }
  },
})

function accountOf({ to, from }: Message): Jid {
  return (to ?? from!).bare
}

function own(sender: Target | undefined, isOwn: boolean): Target {
  if (!sender || !isOwn) throw new StanzaError('forbidden', 'These are not your push services')
  return sender
}
