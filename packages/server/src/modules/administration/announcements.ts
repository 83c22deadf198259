import { type Jid, message, StanzaError, xml } from '@jackdaw/xmpp'
import type { Target } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import type { AdminCommand, AdministrationHost } from './administration.ts'
import { adminNs, done, question, textIn } from './forms.ts'

/** A text that stays. */
export type Standing = {
  readonly id: string
  readonly text: string
}

/** XEP-0133 §4.23 – §4.28: what administrators tell the users. */
export function announcementCommands(host: AdministrationHost): AdminCommand[] {
  const { audit, domain, random, stores } = host
  const command = (
    node: string,
    name: string,
    field: string,
    act: (text: string, by: Jid) => Awaitable<string>,
  ): AdminCommand => ({
    node: `${adminNs}#${node}`,
    name,
    async ask() {
      const key = field === 'announcement' ? undefined : await stores.standing.get(domain.toString(), field)
      const values = key?.text.split('\n') ?? []
      return question(name, { var: field, type: 'text-multi', label: 'Text', isRequired: true, values })
    },
    async carryOut(answers, by) {
      const said = await act(textIn(answers, field), by)
      audit.record({ by: by.toString(), did: said })
      return done(`You have ${said}.`)
    },
  })
  const drop = (node: string, name: string, key: string, said: string): AdminCommand => ({
    node: `${adminNs}#${node}`,
    name,
    async carryOut(_, by) {
      if (!(await stores.standing.get(domain.toString(), key))) throw new StanzaError('item-not-found', 'There is none')
      void stores.standing.edit(domain.toString(), key, () => undefined)
      audit.record({ by: by.toString(), did: said })
      return done(`You have ${said}.`)
    },
  })
  const keep = (key: string, text: string): Standing => {
    const standing = { id: Buffer.from(random.bytes(9)).toString('base64url'), text }
    void stores.standing.edit(domain.toString(), key, () => standing)
    return standing
  }

  return [
    command('announce', 'Tell everybody who is here', 'announcement', (text) => {
      const here = [...host.sessions()].filter(({ isAvailable }) => isAvailable)
      for (const { jid } of here) tell(host, jid, 'Announcement', text)
      return `told ${here.length} sessions: ${shortened(text)}`
    }),
    command('set-motd', 'Set the message of the day', 'motd', (text) => {
      const standing = keep('motd', text)
      for (const session of host.sessions()) if (session.isAvailable) give(host, session, standing)
      return `set the message of the day: ${shortened(text)}`
    }),
    command('edit-motd', 'Edit the message of the day', 'motd', (text) => {
      // §4.25: who has had it is not told again.
      return when(stores.standing.get(domain.toString(), 'motd'), (old) => {
        if (!old) throw new StanzaError('item-not-found', 'There is none')
        void stores.standing.edit(domain.toString(), 'motd', () => ({ ...old, text }))
        return `edited the message of the day: ${shortened(text)}`
      })
    }),
    drop('delete-motd', 'Delete the message of the day', 'motd', 'deleted the message of the day'),
    command('set-welcome', 'Set what new accounts are told', 'welcome', (text) => {
      keep('welcome', text)
      return `set what new accounts are told: ${shortened(text)}`
    }),
    drop('delete-welcome', 'Tell new accounts nothing', 'welcome', 'ended that new accounts are told something'),
  ]
}

/** §4.24: who was not here when it was set has the message of the day now. */
export function greet(host: AdministrationHost, session: Target): Awaitable<void> {
  const { domain, stores } = host
  return when(stores.standing.get(domain.toString(), 'motd'), (standing) => {
    if (!standing) return
    return when(stores.had.get(session.account.toString(), 'motd'), (id) => {
      if (id !== standing.id && session.isAvailable) give(host, session, standing)
    })
  })
}

/** §4.27: it waits until the account's first login. */
export function welcome(host: AdministrationHost, account: Jid): Awaitable<void> {
  return when(host.stores.standing.get(host.domain.toString(), 'welcome'), (standing) => {
    if (standing) tell(host, account, 'Welcome', standing.text)
  })
}

function give(host: AdministrationHost, { jid, account }: Target, { id, text }: Standing): void {
  void host.stores.had.edit(account.toString(), 'motd', () => id)
  tell(host, jid, 'Message of the day', text)
}

function tell(host: AdministrationHost, to: Jid, subject: string, text: string): void {
  const leaf = (name: string, content: string) => xml(name, 'jabber:client', undefined, content)
  host.send(message({ from: host.domain, to, type: 'normal' }, leaf('subject', subject), leaf('body', text)))
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
