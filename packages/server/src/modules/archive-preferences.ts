import {
  archiveDefaults,
  type ArchiveDefault,
  ArchivePreferences,
  AskArchivePreferences,
  Jid,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, map } from '../module.ts'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { archive } from './archive.ts'
import { roster } from './roster/roster.ts'

type Stored = {
  readonly default: ArchiveDefault
  readonly always: readonly string[]
  readonly never: readonly string[]
}

/** What decides: the rules for single addresses, then the default. */
interface Rules {
  readonly default: ArchiveDefault
  readonly of: ReadonlyMap<string, boolean>
}

/** So many accounts' rules stay in memory: each message asks for those of both sides. */
const mostKnown = 20_000

/** Lets accounts say what is kept in their archives. */
export const archivePreferences = defineModule({
  name: 'archive-preferences',
  xeps: ['XEP-0441 0.2.0'],
  needs: [archive, roster],
  stores: { preferences: map<Stored>() },
  config: z.object({
    default: z
      .enum(archiveDefaults)
      .default('always')
      .describe(
        'Whose messages are archived for accounts that have said nothing about it: always (everybody’s), never, or roster (those of contacts).',
      ),
    jids: z
      .int()
      .min(0)
      .default(1000)
      .describe('Most addresses for which one account says something else than its default.'),
  }),
  start(host) {
    const { config, stores } = host
    const { rosters } = host.use(roster)
    const known = new Map<string, Rules>()
    const unasked: Stored = { default: config.default, always: [], never: [] }
    const usual = rulesIn(unasked)

    const stopRestricting = host.use(archive).restrict((account, other) => {
      const rules = rulesOf(account)
      return rules instanceof Promise
        ? rules.then((found) => isKept(found, account, other))
        : isKept(rules, account, other)
    })
    host.onStop(stopRestricting)

    host.answer('get', 'account', AskArchivePreferences, ({ to, isOwn }) => {
      checkOwn(isOwn)
      return when(stores.preferences.get(to.toString(), ''), (stored = unasked) => written(stored))
    })

    host.answer('set', 'account', ArchivePreferences, ({ payload, to, isOwn }) => {
      checkOwn(isOwn)
      const { default: behaviour, always, never } = payload
      const stored: Stored = { default: behaviour, always: distinct(always), never: distinct(never) }
      if (stored.always.length + stored.never.length > config.jids)
        throw new StanzaError('resource-constraint', `Preferences name at most ${config.jids} addresses`)
      return when(
        stores.preferences.edit(to.toString(), '', () => stored),
        () => {
          known.delete(to.toString())
          return written(stored)
        },
      )
    })

    host.on('account:removed', ({ account }) => void known.delete(account.toString()))

    function rulesOf(account: Jid): Awaitable<Rules> {
      const owner = account.toString()
      const found = known.get(owner)
      if (found) return found
      return when(stores.preferences.get(owner, ''), (stored) => {
        const rules = stored ? rulesIn(stored) : usual
        if (known.size >= mostKnown) known.clear()
        known.set(owner, rules)
        return rules
      })
    }

    /** §2.3: an address with its resource says more than one without; of two that say the same, the one that keeps less. */
    function isKept({ default: behaviour, of }: Rules, account: Jid, other: Jid): Awaitable<boolean> {
      if (of.size > 0) {
        const said = of.get(other.toString()) ?? of.get(other.bare.toString())
        if (said !== undefined) return said
      }
      if (behaviour !== 'roster') return behaviour === 'always'
      return other.bare.equals(account) || rosters.has(account, other)
    }
  },
})

function rulesIn({ default: behaviour, always, never }: Stored): Rules {
  return {
    default: behaviour,
    of: new Map([...always.map((jid) => [jid, true] as const), ...never.map((jid) => [jid, false] as const)]),
  }
}

function written({ default: behaviour, always, never }: Stored) {
  const parsed = (jids: readonly string[]) => jids.map((jid) => Jid.parse(jid))
  return ArchivePreferences.write({ default: behaviour, always: parsed(always), never: parsed(never) })
}

function distinct(jids: readonly Jid[]): string[] {
  return [...new Set(jids.map(String))]
}

function checkOwn(isOwn: boolean): void {
  if (!isOwn) throw new StanzaError('forbidden', 'This is not your archive')
}
