import { type Element, type Jid, parse, PrivateQuery, privateNs, StanzaError, unlimited, xml } from '@jackdaw/xmpp'
import * as z from 'zod'
import { size } from '../config/fields.ts'
import { defineModule, map } from '../module.ts'
import { when } from '../when.ts'

/** Whatever XML clients want to keep: each element under its namespace and name. */
export const privateStorage = defineModule({
  name: 'private',
  xeps: ['XEP-0049 1.2'],
  features: { server: [privateNs] },
  stores: { elements: map<string>() },
  config: z.object({
    elements: z.int().min(1).default(200).describe('Most elements that one account keeps.'),
    size: size({ min: '1 KiB' }).prefault('1 MiB').describe('How much they may be together, in characters of XML.'),
  }),
  start(host) {
    const { config } = host
    const { elements } = host.stores

    host.answer('get', 'account', PrivateQuery, ({ payload, to, isOwn }) => {
      const [asked, ...more] = own(payload, isOwn)
      if (!asked) throw new StanzaError('bad-request', 'The query names no element')
      if (more.length > 0) throw new StanzaError('not-acceptable', 'One element is asked for at a time')
      return when(elements.get(to.toString(), keyOf(asked)), (text) =>
        PrivateQuery.write([text === undefined ? xml(asked.name, asked.ns) : parse(text, unlimited)]),
      )
    })

    host.answer('set', 'account', PrivateQuery, ({ payload, to, isOwn }) => {
      const given = own(payload, isOwn)
      if (given.length === 0) throw new StanzaError('not-acceptable', 'The query holds no element')
      const texts = new Map(given.map((element) => [keyOf(element), element.toString()]))
      if (texts.size < given.length) throw new StanzaError('not-acceptable', 'An element is given twice')
      return when(elements.all(to.toString()), (kept) => put(to, kept, texts))
    })

    function put(account: Jid, kept: ReadonlyMap<string, string>, texts: ReadonlyMap<string, string>): void {
      const all = new Map([...kept, ...texts])
      let total = 0
      for (const text of all.values()) total += text.length
      if (all.size > config.elements || total > config.size)
        throw new StanzaError('resource-constraint', 'There is no more room for this account')
      for (const [key, text] of texts) void elements.edit(account.toString(), key, () => text)
    }
  },
})

function own(elements: readonly Element[], isOwn: boolean): readonly Element[] {
  // §2.3. The same for an account that does not exist.
  if (!isOwn) throw new StanzaError('forbidden', 'This is not yours')
  for (const { ns } of elements)
    if (ns === privateNs) throw new StanzaError('not-acceptable', 'An element needs a namespace of its own')
  return elements
}

// No name has a line break in it.
function keyOf({ name, ns }: Element): string {
  return `${name}\n${ns}`
}
