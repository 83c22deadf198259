import { leaveAll, type LoadClient, loginMany } from '../load.ts'
import type { Peer } from '../peers/peer.ts'
import { archiveYear, reader } from '../peers/jackdaw-data.ts'
import type { Sizes } from '../sizes.ts'
import { Loop } from './loop.ts'
import type { Figures, Work } from './work.ts'

const page = 50

/**
 * Somebody with much in the archive reads it: `contact`: the last page of a conversation; `date`: a page from some day on; `text`: the last page
 * of those with a word (XEP-0431); `inbox`: all conversations with their last messages (XEP-0430). µs of the server for each.
 */
export function archive(name: string, which: 'few' | 'many'): Work {
  return {
    name,
    async run(peer, sizes) {
      const { accounts, messages } = sizes[which]
      const { number, contacts } = reader(accounts, messages)
      const [client] = (await loginMany(peer, number, 1, { isTls: false, hasFeatures: false })) as [LoadClient]
      let turn = 0
      const contact = await ask(peer, client, sizes, page, () => mam({ with: `u${turn++ % contacts}@localhost` }, true))
      const date = await ask(peer, client, sizes, page, () => mam({ start: day(turn++) }, false))
      const text = await ask(peer, client, sizes, page, () =>
        mam({ '{urn:xmpp:fulltext:0}fulltext': `word${turn++ % contacts}` }, true),
      )
      const inbox = await ask(peer, client, sizes, contacts, () => `<inbox xmlns='urn:xmpp:inbox:1'/>`)
      await leaveAll([client])
      return { ...inbox, contact: contact['cpu']!, date: date['cpu']!, text: text['cpu']!, inbox: inbox['cpu']! }
    },
  }
}

/** The same client asks again and again; each answer must be whole. */
async function ask(peer: Peer, client: LoadClient, sizes: Sizes, due: number, query: () => string): Promise<Figures> {
  const loop = new Loop(1)
  let found = 0
  const next = () => {
    const payload = query()
    client.say(`<iq type='${payload.startsWith('<inbox') ? 'get' : 'set'}' id='ask'>${payload}</iq>`)
  }
  client.listen((stanza) => {
    if (stanza.startsWith('<message')) found++
    if (!stanza.startsWith('<iq')) return
    if (found !== due || !/ type=['"]result/.test(stanza)) return loop.fail(`${found} came of ${due}: ${stanza}`)
    found = 0
    loop.count()
    loop.next(next)
  })
  next()
  return loop.measure(peer, { ...sizes, warmCount: 0 })
}

function mam(fields: Readonly<Record<string, string>>, isLast: boolean): string {
  const form = Object.entries({ FORM_TYPE: 'urn:xmpp:mam:2', ...fields }).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  return `<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>${form.join('')}</x><set xmlns='http://jabber.org/protocol/rsm'><max>${page}</max>${isLast ? '<before/>' : ''}</set></query>`
}

/** Some time in the first three quarters of the year that the archive holds. */
function day(turn: number): string {
  return new Date(Date.now() - archiveYear * (1 - ((turn * 7) % 270) / 365)).toISOString()
}
