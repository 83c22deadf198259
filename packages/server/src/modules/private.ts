import { type Element, type Jid, parse, PrivateQuery, privateNs, StanzaError, unlimited, xml } from '@jackdaw/xmpp'
import * as z from 'zod'
import { size } from '../config/fields.ts'
import { defineModule, map } from '../module.ts'
import { when, whenAll } from '../when.ts'
import type { Awaitable } from '../world.ts'

/** What a module makes of an element that clients keep: given and taken in another form as well. */
export interface Conversion {
  /** What a client gets, of what was kept last. */
  given(account: Jid, kept: Element | undefined): Awaitable<Element | undefined>
  /** A client has given this to be kept: what there is to do beside, at once. */
  taken(account: Jid, given: Element): Awaitable<void>
}

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
    const conversions = new Map<string, Conversion>()

    host.answer('get', 'account', PrivateQuery, ({ payload, to, isOwn }) => {
      const [asked, ...more] = own(payload, isOwn)
      if (!asked) throw new StanzaError('bad-request', 'The query names no element')
      if (more.length > 0) throw new StanzaError('not-acceptable', 'One element is asked for at a time')
      return when(elements.get(to.toString(), keyOf(asked)), (text) => {
        const kept = text === undefined ? undefined : parse(text, unlimited)
        const conversion = conversions.get(keyOf(asked))
        return when(conversion ? conversion.given(to, kept) : kept, (found) =>
          PrivateQuery.write([found ?? xml(asked.name, asked.ns)]),
        )
      })
    })

    host.answer('set', 'account', PrivateQuery, ({ payload, to, isOwn }) => {
      const given = own(payload, isOwn)
      if (given.length === 0) throw new StanzaError('not-acceptable', 'The query holds no element')
      const texts = new Map(given.map((element) => [keyOf(element), element.toString()]))
      if (texts.size < given.length) throw new StanzaError('not-acceptable', 'An element is given twice')
      return when(elements.all(to.toString()), (kept) => {
        put(to, kept, texts)
        return whenAll(
          given.map((element) => conversions.get(keyOf(element))?.taken(to, element)),
          () => undefined,
        )
      })
    })

    function put(account: Jid, kept: ReadonlyMap<string, string>, texts: ReadonlyMap<string, string>): void {
      const all = new Map([...kept, ...texts])
      let total = 0
      for (const text of all.values()) total += text.length
      if (all.size > config.elements || total > config.size)
        throw new StanzaError('resource-constraint', 'There is no more room for this account')
      for (const [key, text] of texts) void elements.edit(account.toString(), key, () => text)
    }

    return {
      /** Keeps the element of that name in another form as well; returns what ends that. */
      convert(name: string, ns: string, conversion: Conversion): () => void {
        const key = keyOf({ name, ns })
        conversions.set(key, conversion)
        return () => conversions.delete(key)
      },
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
function keyOf({ name, ns }: { readonly name: string; readonly ns: string }): string {
  return `${name}\n${ns}`
}
