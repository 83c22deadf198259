import { formatDateTime, type Jid, RosterQuery, type RosterItem, StanzaError, StreamError } from '@jackdaw/xmpp'
import type { Awaitable } from '../../world.ts'
import type { AdminCommand, AdministrationHost } from './administration.ts'
import { accountField, accountIn, accountsField, accountsIn, adminNs, done, jidsIn, question, result } from './forms.ts'

/** XEP-0133 §4.5, §4.8 – §4.10: what users do, and the end of it. */
export function userCommands(
  host: AdministrationHost,
  rosterOf: (account: Jid) => Awaitable<{ readonly items: readonly RosterItem[] }>,
): AdminCommand[] {
  const { accounts, audit, domain, stores } = host

  async function check(account: Jid): Promise<void> {
    if (!(await accounts.isHere(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
  }

  return [
    {
      node: `${adminNs}#end-user-session`,
      name: 'End sessions',
      ask: () => question('End sessions: of accounts, or those with these full addresses', accountsField),
      carryOut(answers, by) {
        const named = jidsIn(answers)
        accountsIn(answers, domain)
        const ended = named.flatMap((jid) =>
          jid.isBare ? [...host.sessions(jid)] : [...host.sessions(jid.bare)].filter((one) => one.jid.equals(jid)),
        )
        if (ended.length === 0) throw new StanzaError('item-not-found', 'There are no such sessions')
        for (const session of new Set(ended)) {
          session.end(new StreamError('policy-violation', 'An administrator has ended this session'))
          audit.record({ by: by.toString(), did: 'ended the session', to: session.jid.toString() })
        }
        return done(`Ended: ${ended.map(({ jid }) => jid).join(', ')}`)
      },
    },
    {
      node: `${adminNs}#get-user-roster`,
      name: 'See the contacts of an account',
      ask: () => question('See the contacts of an account', accountsField),
      async carryOut(answers, by) {
        const [account, ...more] = accountsIn(answers, domain)
        if (more.length > 0) throw new StanzaError('not-acceptable', 'One account at a time')
        await check(account!)
        const { items } = await rosterOf(account!)
        audit.record({ by: by.toString(), did: 'saw the contacts of', to: account!.toString() })
        return {
          ...result('Contacts', { var: 'accountjids', values: [account!.toString()] }),
          payload: RosterQuery.write({ items }),
        }
      },
    },
    {
      node: `${adminNs}#get-user-lastlogin`,
      name: 'See when an account logged in last',
      ask: () => question('See when an account logged in last', accountsField),
      async carryOut(answers) {
        const [account, ...more] = accountsIn(answers, domain)
        if (more.length > 0) throw new StanzaError('not-acceptable', 'One account at a time')
        await check(account!)
        const at = await stores.logins.get(account!.toString(), '')
        const values = at === undefined ? [] : [formatDateTime(at)]
        return result(
          'Last login',
          { var: 'accountjids', values: [account!.toString()] },
          { var: 'lastlogin', label: 'Last login', values },
        )
      },
    },
    {
      node: `${adminNs}#user-stats`,
      name: 'See how an account is used',
      ask: () => question('See how an account is used', accountField),
      async carryOut(answers) {
        const account = accountIn(answers, domain)
        await check(account)
        const { items } = await rosterOf(account)
        const resources = [...host.sessions(account)].map(({ jid }) => jid.resource!)
        return result(
          account.toString(),
          { var: 'rostersize', label: 'Contacts', values: [String(items.length)] },
          { var: 'onlineresources', label: 'Sessions', type: 'text-multi', values: resources },
        )
      },
    },
  ]
}
