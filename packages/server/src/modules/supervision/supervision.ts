import {
  isSupervised,
  type Jid,
  type Message,
  messageType,
  supervisedRoomField,
  type Supervision,
  supervisionForm,
  supervisionNs,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { accountAddress, duration } from '../../config/fields.ts'
import { defineModule, log, map, type Target } from '../../module.ts'
import { when } from '../../when.ts'
import { commands } from '../commands/commands.ts'
import { disco } from '../disco.ts'
import { muc } from '../muc/muc.ts'
import { presence } from '../presence/presence.ts'
import { sweep } from '../sweep.ts'
import { Conversations, type Sought } from './conversations.ts'
import { digest, Notices, noticeText } from './notices.ts'

/** For hosts that must: what is said is kept, whatever those who say it do with their archives; and they are told so. */
export const supervision = defineModule({
  name: 'supervision',
  isOptIn: true,
  needs: [commands, disco, muc, presence],
  stores: {
    /** Owned by the host. */
    messages: log<string>(),
    /** By account or room: the digest of what it has been told. */
    told: map<string>(),
  },
  config: z.object({
    accounts: z
      .union([z.literal('all'), z.array(accountAddress())], { error: 'expected all, or a list of addresses' })
      .default('all')
      .meta({ title: 'all, or a list of addresses' })
      .describe('Whose conversations are kept: those of all accounts of this host, or of these.'),
    rooms: z.boolean().default(true).describe("Whether all that is said in the host's rooms is kept, by whomever."),
    keep: duration({ min: '1 h', max: '36500 d' })
      .prefault('90 d')
      .describe('How long it is kept; nothing else removes it.'),
    notice: z
      .string()
      .max(2000)
      .default('')
      .describe('What users are told beside what is kept and how long: why, in their language, and whom they can ask.'),
  }),
  start(host) {
    const { config, domain, stores } = host
    const rooms = host.use(muc)
    const conversations = new Conversations(stores.messages, domain, host.clock)
    const chosen = config.accounts === 'all' ? undefined : new Set(config.accounts)
    const kept = host.metrics.counter(
      'jackdaw_supervised_messages_total',
      'Messages kept because the host is supervised',
    )
    const expired = host.metrics.counter('jackdaw_supervised_expired_total', 'Entries removed because of their age')

    // To be seen before anything has been kept.
    for (const counter of [kept, expired]) counter.inc(0)

    const inRooms = config.rooms ? ', and whatever is said in its rooms,' : ''
    const words = (what: string) => noticeText(domain, what, config)
    const notices = new Notices(host, {
      text: words(`what you write and what is written to you${inRooms}`),
      isFor: isChosen,
    })
    /** Those that have been told, or that it has been seen have. */
    const warned = new WeakSet<Target>()

    const isEmpty = chosen?.size === 0 && !config.rooms
    sweep(host, [stores.messages], config.keep, (count) => expired.inc(count))
    if (isEmpty) return api()
    host.log.warn({ accounts: chosen?.size ?? 'all', rooms: config.rooms }, 'conversations are supervised')

    host.hook('message:out', 'store', ({ stanza, sender }) => {
      const account = stanza.from!.bare
      if (!isChosen(account) || !isSupervised(stanza)) return
      if (sender && !warned.has(sender)) warn(sender)
      const to = stanza.to ?? account
      // What others say in the name of an account is kept where it arrives.
      if (!sender && to.domain === domain.domain) return
      if (!isKeptByRoom(to, stanza)) keep(stanza.to ? stanza : stanza.addressed({ to }))
    })

    host.hook('message:in', 'store', (passage) => {
      notices.arrives(passage)
      const { stanza, sender } = passage
      const from = stanza.from!
      const to = stanza.to ?? from.bare
      // What others say in a room is kept once, by the room.
      if (messageType(stanza) === 'groupchat' || !isSupervised(stanza) || isKeptByRoom(from, stanza)) return
      // Kept as it was sent.
      if (sender && isChosen(sender.account)) return
      if (isChosen(to.bare) || (!sender && isChosen(from.bare))) keep(stanza.to ? stanza : stanza.addressed({ to }))
    })

    host.onStop(
      host.use(presence).onBroadcast(({ session, presence: sent, before }) => {
        if (before === undefined && sent.type === undefined) warn(session)
      }),
    )
    host.on('session:resumed', ({ session }) => warn(session))
    host.on('session:gone', ({ session: { account } }) => notices.forget(account))
    for (const session of host.sessions()) if (session.isAvailable) warn(session)

    if (config.rooms) {
      const notice = words('what is said in this room, and between two of those in it,')
      const told = digest(notice)
      host.onStop(
        rooms.supervise({
          field: supervisedRoomField(config.keep),
          notice: (room) => when(stores.told.get(room.toString(), ''), (last) => (last === told ? undefined : notice)),
          noticed: (room) => void stores.told.edit(room.toString(), '', () => told),
          said(stanza, recipient) {
            if (isSupervised(stanza)) keep(stanza, recipient)
          },
        }),
      )
      host.onStop(rooms.archives.watch({ dropped: (room) => void stores.told.edit(room, '', () => undefined) }))
    }

    const accounts = chosen === undefined ? 'all' : chosen.size > 0 ? 'some' : 'none'
    const whose = `what ${accounts === 'all' ? 'its users' : 'some of its users'} write and what is written to them`
    const told: Supervision = {
      accounts,
      rooms: config.rooms,
      keep: config.keep,
      notice: words(accounts === 'none' ? 'what is said in its rooms' : `${whose}${inRooms}`),
    }
    host.onStop(host.use(disco).addForm(supervisionForm(told)))
    host.onStop(
      host.use(commands).offer((from) => [
        {
          node: supervisionNs,
          name: 'Whether my conversations are supervised',
          isAllowed: from.local !== undefined && from.domain === domain.domain,
          carryOut: () => ({
            notes: [
              {
                type: 'info',
                text: isChosen(from.bare)
                  ? `You are supervised. ${told.notice}`
                  : `You are not, but those with whom you talk may be. ${told.notice}`,
              },
            ],
          }),
        },
      ]),
    )

    function isChosen(account: Jid): boolean {
      if (account.local === undefined || account.domain !== domain.domain) return false
      return chosen === undefined || chosen.has(account.toString())
    }

    /** What is said to all in a room of this host, or to somebody in it. */
    function isKeptByRoom(address: Jid, stanza: Message): boolean {
      if (!config.rooms || address.domain !== rooms.domain.domain) return false
      return !address.isBare || messageType(stanza) === 'groupchat'
    }

    function keep(stanza: Message, recipient?: Jid): void {
      conversations.keep(stanza, recipient)
      kept.inc()
    }

    function warn(session: Target): void {
      warned.add(session)
      const wait = notices.tell(session.account)
      if (wait instanceof Promise)
        wait.catch((error: unknown) =>
          host.log.error({ err: error }, 'an account could not be told that it is supervised'),
        )
    }

    function api() {
      return { read: (sought: Sought) => conversations.read(sought) }
    }
    return api()
  },
})
