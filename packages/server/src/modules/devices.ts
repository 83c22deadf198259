import { fieldValues, type Form, formatDateTime, type Jid, StanzaError, StreamError } from '@jackdaw/xmpp'
import { type Device, defineModule, type Target } from '../module.ts'
import type { AdHocCommand, Outcome } from './commands/ad-hoc.ts'
import { commands } from './commands/commands.ts'

const ns = 'urn:jackdaw:devices:0'

/** A device that has a token, or a session of a client that has none. */
interface Entry {
  /** Stands for it in the forms. */
  readonly id: string
  readonly name: string
  /** Milliseconds since the Unix epoch. */
  readonly lastActive: number
  readonly sessions: readonly Target[]
  readonly device?: Device
}

/** Users see where they are logged in, and sign out what they have lost, with any client that knows ad-hoc commands. */
export const devices = defineModule({
  name: 'devices',
  needs: [commands],
  start(host) {
    const { accounts, domain, log, roles } = host

    host.onStop(
      host.use(commands).offer((from): AdHocCommand[] => {
        const isAllowed = from.local !== undefined && from.domain === domain.domain && roles.of(from) !== 'guest'
        return [
          {
            node: `${ns}#list`,
            name: 'See my devices and sessions',
            isAllowed,
            carryOut: async () => shown(await entriesOf(from.bare), from),
          },
          {
            node: `${ns}#sign-out`,
            name: 'Sign a device out',
            isAllowed,
            ask: async () => question((await entriesOf(from.bare)).filter((entry) => !isOwn(entry, from))),
            carryOut: (answers) => signOut(from, fieldValues(answers, 'device')![0]!),
          },
        ]
      }),
    )

    async function entriesOf(account: Jid): Promise<Entry[]> {
      const all = await accounts.devices(account)
      const sessions = [...host.sessions(account)]
      const known = new Set(all.map(({ id }) => id))
      return [
        ...all.map((device): Entry => {
          const own = sessions.filter((session) => session.get('client') === device.id)
          const { id, software = 'A client', device: on, lastLogin } = device
          return {
            id: `device:${id}`,
            name: on === undefined ? software : `${software} on ${on}`,
            lastActive: Math.max(lastLogin, ...own.map(({ lastActive }) => lastActive)),
            sessions: own,
            device,
          }
        }),
        ...sessions
          .filter((session) => !known.has(session.get<string>('client') ?? ''))
          .map((session): Entry => {
            const { jid, lastActive } = session
            return { id: `session:${jid.resource}`, name: jid.resource!, lastActive, sessions: [session] }
          }),
      ]
    }

    async function signOut(from: Jid, id: string): Promise<Outcome> {
      const account = from.bare
      const entry = (await entriesOf(account)).find((one) => one.id === id)
      if (!entry) throw new StanzaError('item-not-found', 'There is no such device')
      // The answer would not be heard.
      if (isOwn(entry, from)) throw new StanzaError('not-allowed', 'That is this device: log out there')
      if (entry.device) await accounts.signOut(account, entry.device.id)
      else
        for (const session of entry.sessions) session.end(new StreamError('not-authorized', 'You have been signed out'))
      log.info({ account: account.toString() }, 'a device was signed out by its owner')
      return { notes: [{ type: 'info', text: `${entry.name} has been signed out.` }] }
    }
  },
})

function isOwn({ sessions }: Entry, from: Jid): boolean {
  return sessions.some(({ jid }) => jid.equals(from))
}

function question(others: readonly Entry[]): Form {
  const options = others.map(({ id, name }) => ({ value: id, label: name }))
  return {
    type: 'form',
    title: 'Sign a device out',
    instructions: [
      'Its sessions end, and it needs the password to come back. Change that too, if somebody else knows it.',
    ],
    fields: [{ var: 'device', type: 'list-single', label: 'Device', isRequired: true, options }],
  }
}

function shown(entries: readonly Entry[], from: Jid): Outcome {
  const labels = { name: 'Device', sessions: 'Sessions', active: 'Active last', here: 'This one' }
  return {
    form: {
      type: 'result',
      title: 'Devices and sessions',
      reported: Object.entries(labels).map(([name, label]) => ({ var: name, label })),
      items: entries.map((entry) => [
        { var: 'name', values: [entry.name] },
        { var: 'sessions', values: entry.sessions.map(({ jid }) => jid.resource!) },
        { var: 'active', values: [formatDateTime(entry.lastActive)] },
        { var: 'here', values: [isOwn(entry, from) ? 'yes' : ''] },
      ]),
    },
  }
}
