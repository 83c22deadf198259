import { commandError, fieldValues, type Form, type Jid, StanzaError } from '@jackdaw/xmpp'
import type { AdminCommand, AdministrationHost } from './administration.ts'
import { accountField, accountIn, accountsField, accountsIn, adminNs, done, question } from './forms.ts'

/** What makes no sense for accounts that another system keeps. */
export const ownOnly: readonly string[] = [`${adminNs}#add-user`, `${adminNs}#change-user-password`]

/** XEP-0133 §4.1 – §4.4, §4.7: accounts are made, removed, disabled and enabled again, and given another password. */
export function accountCommands(host: AdministrationHost): AdminCommand[] {
  const { accounts, audit, domain } = host
  const secret = (name: string, label: string) =>
    ({ var: name, type: 'text-private', label, isRequired: true }) as const

  /** All of them, before the first one is touched. @throws StanzaError item-not-found */
  async function existing(named: readonly Jid[]): Promise<readonly Jid[]> {
    for (const account of named)
      if (!(await accounts.isHere(account))) throw new StanzaError('item-not-found', `There is no account ${account}`)
    return named
  }

  /** @throws StanzaError not-allowed: whoever asks is among them */
  async function others(answers: Form, by: Jid): Promise<readonly Jid[]> {
    const named = await existing(accountsIn(answers, domain))
    if (named.some((account) => account.equals(by))) throw new StanzaError('not-allowed', 'That is your own account')
    return named
  }

  return [
    {
      node: `${adminNs}#add-user`,
      name: 'Make an account',
      ask: () =>
        question(
          'Make an account',
          accountField,
          secret('password', 'Password'),
          secret('password-verify', 'The password again'),
        ),
      async carryOut(answers, by) {
        const account = accountIn(answers, domain)
        const [first, again] = [fieldValues(answers, 'password')![0]!, fieldValues(answers, 'password-verify')![0]]
        if (first !== again) throw commandError('bad-request', 'bad-payload')
        accounts.checkPassword(account, first)
        await accounts.create(account, first, () =>
          audit.record({ by: by.toString(), did: 'made an account', to: account.toString() }),
        )
        return done(`${account} can log in now.`)
      },
    },
    {
      node: `${adminNs}#delete-user`,
      name: 'Remove accounts',
      ask: () => question('Remove accounts and all that is kept for them', accountsField),
      async carryOut(answers, by) {
        const named = await others(answers, by)
        for (const account of named) {
          await accounts.remove(account)
          audit.record({ by: by.toString(), did: 'removed an account', to: account.toString() })
        }
        return done(`Removed: ${named.join(', ')}`)
      },
    },
    {
      node: `${adminNs}#disable-user`,
      name: 'Disable accounts',
      ask: () => question('Disable accounts: their sessions end, and nobody logs in to them', accountsField),
      async carryOut(answers, by) {
        const named = await others(answers, by)
        for (const account of named) {
          await accounts.disable(account)
          audit.record({ by: by.toString(), did: 'disabled an account', to: account.toString() })
        }
        return done(`Disabled: ${named.join(', ')}`)
      },
    },
    {
      node: `${adminNs}#reenable-user`,
      name: 'Enable accounts again',
      ask: () => question('Enable accounts again', accountsField),
      async carryOut(answers, by) {
        const named = await existing(accountsIn(answers, domain))
        for (const account of named) {
          await accounts.enable(account)
          audit.record({ by: by.toString(), did: 'enabled an account', to: account.toString() })
        }
        return done(`Enabled: ${named.join(', ')}`)
      },
    },
    {
      node: `${adminNs}#change-user-password`,
      name: 'Set the password of an account',
      ask: () => question('Set the password of an account', accountField, secret('password', 'New password')),
      async carryOut(answers, by) {
        const account = accountIn(answers, domain)
        const password = fieldValues(answers, 'password')![0]!
        accounts.checkPassword(account, password)
        await accounts.setPassword(account, password, () =>
          audit.record({ by: by.toString(), did: 'set the password of', to: account.toString() }),
        )
        return done(`${account} has another password now.`)
      },
    },
  ]
}
