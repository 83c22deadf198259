import { emptied, Erase, Erased, erasureNs, type MamFilter, type MamQuery, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule } from '../module.ts'
import { archive, messageOf } from './archive.ts'
import { erased, spanQuery } from './archive-export.ts'
import { checkFields, findPage, known } from './archive-search.ts'
import { address } from './rest-api/schemas.ts'

/** How much is emptied in one tick. */
const stride = { page: 250, pageBytes: 1024 * 1024 }

/** Lets the owner of an archive erase what is in it. */
export const archiveErasure = defineModule({
  name: 'archive-erasure',
  needs: [archive],
  features: { account: [erasureNs] },
  start(host) {
    const { log, trim, lost } = host.use(archive)

    host.answer('set', 'account', Erase, async ({ payload: filter, to, isOwn }) => {
      if (!isOwn) throw new StanzaError('forbidden', 'This is not your archive')
      checkFields(filter)
      return Erased.write({ count: await known(() => erase(to.toString(), filter)) })
    })

    host.endpoint({
      method: 'delete',
      path: '/accounts/{account}/archive',
      scope: 'archive:erase',
      summary: 'Erase the archive of an account, or a part of it',
      params: z.strictObject({ account: address }),
      query: spanQuery,
      answer: {
        status: 200,
        description: 'Of what was in the middle of the archive ids, times and addresses stay.',
        schema: erased,
      },
      async handle({ params: { account }, query, record }) {
        if (!(await host.accounts.isHere(account)))
          throw new StanzaError('item-not-found', `There is no account ${account}`)
        const count = await erase(account.toString(), query)
        record('erased from the archive of', account.toString())
        return { erased: count }
      },
    })

    function erase(owner: string, filter: MamFilter): Promise<number> {
      return isBeginning(filter) ? cut(owner, filter) : empty(owner, filter)
    }

    /** All up to some moment: the oldest may go without a trace. */
    function cut(owner: string, { end, beforeId }: MamFilter): Promise<number> {
      return trim(owner, { ...(end !== undefined && { end }), ...(beforeId !== undefined && { before: beforeId }) })
    }

    /** XEP-0313 §3.2: in the middle of an archive ids, times and addresses stay, so that no query finds a hole. */
    async function empty(owner: string, filter: MamFilter): Promise<number> {
      let count = 0
      let query: MamQuery = { ...filter, set: { max: stride.page } }
      for (;;) {
        const { entries, isComplete } = await findPage(log, owner, query, {
          clock: host.clock,
          config: stride,
        })
        for (const entry of entries) {
          const message = messageOf(entry)
          if (message.children.length === 0) continue
          log.replace(owner, entry.id, emptied(message).toString())
          count++
        }
        const last = entries.at(-1)
        if (isComplete || !last) break
        query = { ...query, set: { max: stride.page, after: last.id } }
      }
      if (count > 0) lost(owner)
      return count
    }
  },
})

/** Whether the form asks for nothing but what lies before some moment. */
function isBeginning({ with: other, start, afterId, ids }: MamFilter): boolean {
  return other === undefined && start === undefined && afterId === undefined && ids === undefined
}
