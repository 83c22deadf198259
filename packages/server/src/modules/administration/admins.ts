import { fieldValues, Jid, StanzaError } from '@jackdaw/xmpp'
import type { AdminCommand, AdministrationHost } from './administration.ts'
import { accountsIn, adminNs, done, question } from './forms.ts'

/** XEP-0133 §4.29: who administers, but for those whom the configuration names. */
export function adminCommands({ accounts, audit, domain, roles }: AdministrationHost): AdminCommand[] {
  return [
    {
      node: `${adminNs}#edit-admin`,
      name: 'Edit who administers',
      ask: () =>
        question('Edit who administers', {
          var: 'adminjids',
          type: 'jid-multi',
          label: 'Addresses of the administrators',
          values: [...roles.having('admin')],
        }),
      async carryOut(answers, by) {
        const wanted = fieldValues(answers, 'adminjids') ? accountsIn(answers, domain, 'adminjids') : []
        for (const account of wanted)
          if (!(await accounts.isHere(account)))
            throw new StanzaError('item-not-found', `There is no account ${account}`)
        const added = wanted.filter((account) => roles.of(account) !== 'admin')
        const removed = [...roles.having('admin')]
          .map((name) => Jid.parse(name))
          .filter((account) => !wanted.some((one) => one.equals(account)))
        for (const account of [...added, ...removed])
          if (roles.isConfigured(account))
            throw new StanzaError('not-allowed', `The configuration says what ${account} is`)
        // Somebody must be left to take it back.
        if (removed.some((account) => account.equals(by))) throw new StanzaError('not-allowed', 'That is you')
        for (const account of added) change(account, 'admin', by)
        for (const account of removed) change(account, 'user', by)
        return done(`${added.length} are administrators now, ${removed.length} are not any more.`)
      },
    },
  ]

  function change(account: Jid, role: string, by: Jid): void {
    roles.give(account, role)
    audit.record({ by: by.toString(), did: `gave the role ${role} to`, to: account.toString() })
  }
}
