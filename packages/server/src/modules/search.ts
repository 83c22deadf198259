import {
  DiscoInfo,
  discoInfoNs,
  formsNs,
  Jid,
  type SearchField,
  searchFields,
  searchForm,
  type SearchItem,
  searchNs,
  SearchQuery,
  searchResult,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { subdomain } from '../config/fields.ts'
import { defineModule } from '../module.ts'
import { blocklists } from './blocking/blocklists.ts'
import { TokenBuckets } from './token-buckets.ts'
import { type Names, vcard } from './vcard.ts'

/** Fewest characters of what is looked for: fewer would list everybody. */
const fewest = 2

/** A directory of the accounts of this host that have said in their vCards who they are, for accounts of this host. */
export const search = defineModule({
  name: 'search',
  xeps: ['XEP-0055 1.3'],
  isOptIn: true,
  needs: [vcard, blocklists],
  config: z.object({
    label: subdomain('users'),
    results: z.int().min(1).max(1000).default(50).describe('Most people given in answer to one search.'),
    perHour: z.int().min(1).default(100).describe('Most searches of one account within an hour.'),
  }),
  start(host) {
    const { names } = host.use(vcard)
    const lists = host.use(blocklists)
    const buckets = new TokenBuckets(host.clock, host.config.perHour)
    const service = host.serve(host.config.label, { name: 'User directory' })

    service.answer('get', 'domain', DiscoInfo, ({ payload: { node } }) => {
      if (node !== undefined) throw new StanzaError('item-not-found', `There is no node ${node}`)
      return DiscoInfo.write({
        identities: [{ category: 'directory', type: 'user', name: 'User directory' }],
        features: [discoInfoNs, searchNs, formsNs],
        forms: [],
      })
    })

    service.answer('get', 'domain', SearchQuery, ({ from }) => {
      checkIsOurs(from)
      return searchForm('Fill in one field or several: those are found of whom all of it is true.')
    })

    service.answer('set', 'domain', SearchQuery, async ({ payload: { terms, isForm }, from }) => {
      checkIsOurs(from)
      const wanted = searchFields.flatMap((name) => {
        const term = terms[name]
        return term === undefined ? [] : [[name, folded(term)] as const]
      })
      if (wanted.length === 0 || wanted.some(([, term]) => term.length < fewest))
        throw new StanzaError('not-acceptable', `Each field that is filled in needs ${fewest} characters`)
      if (!buckets.take(from.bare.toString())) throw new StanzaError('resource-constraint', 'Search again later')
      return searchResult(await find(wanted, from.bare), isForm)
    })

    function checkIsOurs({ domain }: Jid): void {
      if (domain !== host.domain.domain) throw new StanzaError('forbidden', 'The directory is for its own accounts')
    }

    async function find(wanted: readonly (readonly [SearchField, string])[], asker: Jid): Promise<SearchItem[]> {
      const items: SearchItem[] = []
      for await (const [jid, terms] of names()) {
        if (!wanted.every(([name, term]) => matches(terms, name, term))) continue
        // XEP-0191 §4: who blocks the asker does not want to be found by it.
        if ((await lists.of(Jid.parse(jid))).blocks(asker)) continue
        items.push({ jid, terms })
        if (items.length === host.config.results) break
      }
      return items
    }
  },
})

/** An email address is found by who knows it. */
function matches(terms: Names, name: SearchField, term: string): boolean {
  const text = folded(terms[name])
  return name === 'email' ? text === term : text.includes(term)
}

/** Without case and accents. */
function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}
