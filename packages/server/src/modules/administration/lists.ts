import { commandError, type Field, fieldValues, type Form } from '@jackdaw/xmpp'
import type { AdminCommand, AdministrationHost } from './administration.ts'
import { adminNs, question, result } from './forms.ts'

/** Who has sent something within this time (ms) is active, who has not is idle. */
const activeTime = 5 * 60_000
const sizes = [25, 50, 75, 100, 150, 200, 1000]
const fewest = 25

const howMany: Field = {
  var: 'max_items',
  type: 'list-single',
  label: 'Most addresses to show',
  values: [String(fewest)],
  options: sizes.map((size) => ({ value: String(size) })),
}

/** XEP-0133 §4.13 – §4.22: who has an account, and who is here. */
export function listCommands(host: AdministrationHost): AdminCommand[] {
  const online = function* (isMeant: (lastActive: number) => boolean) {
    const seen = new Set<string>()
    for (const { account, isAvailable, lastActive } of host.sessions()) {
      const name = account.toString()
      if (!isAvailable || seen.has(name) || !isMeant(lastActive)) continue
      seen.add(name)
      yield name
    }
  }
  const isActive = (at: number) => at > host.clock.now() - activeTime
  // Who is active with one session is not idle with another.
  const idle = function* () {
    const active = new Set(online(isActive))
    for (const name of online(() => true)) if (!active.has(name)) yield name
  }
  return [
    ...ofKind('registered', 'registered', 'users-list', () => host.accounts.list()),
    ...ofKind('disabled', 'disabled', 'users-list', () => host.accounts.disabled()),
    ...ofKind('online', 'online', 'users-list', () => online(() => true)),
    ...ofKind('active', 'active', 'users', () => online(isActive)),
    ...ofKind('idle', 'active', 'users', idle),
  ]
}

type Names = Iterable<string> | AsyncIterable<string>

/** @param listed what the field of the list is called after (§4.22 has that of active users), `nodes` how its node ends */
function ofKind(kind: string, listed: string, nodes: string, names: () => Names): AdminCommand[] {
  return [
    {
      node: `${adminNs}#get-${kind}-users-num`,
      name: `Count the ${kind} users`,
      async carryOut() {
        let count = 0
        for await (const _ of names()) count++
        return result(`Number of ${kind} users`, {
          var: `${kind}usersnum`,
          label: `Number of ${kind} users`,
          values: [String(count)],
        })
      },
    },
    {
      node: `${adminNs}#get-${kind}-${nodes}`,
      name: `List the ${kind} users`,
      ask: () => question(`List the ${kind} users`, howMany),
      async carryOut(answers) {
        const most = wanted(answers)
        const values: string[] = []
        for await (const name of names()) {
          values.push(name)
          if (values.length >= most) break
        }
        return result(`List of ${kind} users`, {
          var: `${listed}userjids`,
          type: 'jid-multi',
          label: `The ${kind} users`,
          values,
        })
      },
    },
  ]
}

/** 'none' in the form of §4.18 is as many as are shown at all. */
function wanted(form: Form): number {
  const value = fieldValues(form, 'max_items')?.[0] ?? String(fewest)
  const most = value === 'none' ? sizes.at(-1)! : Number(value)
  if (!sizes.includes(most)) throw commandError('bad-request', 'bad-payload')
  return most
}
