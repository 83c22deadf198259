import type { Form, Jid } from '@jackdaw/xmpp'
import { defineModule, type Host, map } from '../../module.ts'
import type { Awaitable } from '../../world.ts'
import type { AdHocCommand, Outcome } from '../commands/ad-hoc.ts'
import { commands } from '../commands/commands.ts'
import { presence } from '../presence/presence.ts'
import { roster } from '../roster/roster.ts'
import { accountCommands, ownOnly } from './accounts.ts'
import { adminCommands } from './admins.ts'
import { announcementCommands, greet, type Standing, welcome } from './announcements.ts'
import { auditCommands } from './audit.ts'
import { listCommands } from './lists.ts'
import { userCommands } from './users.ts'

const stores = {
  /** By account: when it logged in last, milliseconds since the Unix epoch. */
  logins: map<number>(),
  /** Of the host: its message of the day, its welcome. */
  standing: map<Standing>(),
  /** By account: the message of the day that it has had. */
  had: map<string>(),
}

export type AdministrationHost = Host<any, typeof stores>

/** A command before it is known who asks: `carryOut` is told. */
export interface AdminCommand extends Omit<AdHocCommand, 'isAllowed' | 'carryOut'> {
  carryOut(answers: Form, by: Jid): Awaitable<Outcome | void>
}

/** Those whose role lets them administer work on a host with any client that knows ad-hoc commands. */
export const administration = defineModule({
  name: 'administration',
  xeps: ['XEP-0133 1.3.1'],
  needs: [commands, presence, roster],
  stores,
  start(host) {
    const { rosters } = host.use(roster)
    const all: readonly AdminCommand[] = [
      ...accountCommands(host).filter(({ node }) => !host.accounts.isForeign || !ownOnly.includes(node)),
      ...adminCommands(host),
      ...userCommands(host, (account) => rosters.of(account)),
      ...listCommands(host),
      ...announcementCommands(host),
      ...auditCommands(host),
    ]

    host.onStop(
      host.use(commands).offer((from) => {
        const isAllowed = host.roles.may(from, 'administer')
        return all.map(({ carryOut, ...command }): AdHocCommand => ({
          ...command,
          isAllowed,
          carryOut: (answers) => carryOut(answers, from.bare),
        }))
      }),
    )

    host.on('session:bound', ({ session }) => {
      host.stores.logins.put(session.account.toString(), '', host.clock.now())
    })
    host.on('account:created', ({ account }) => welcome(host, account))
    host.onStop(
      host.use(presence).onBroadcast(({ session, presence: sent, before }) => {
        if (before === undefined && sent.type === undefined) void greet(host, session)
      }),
    )
  },
})
