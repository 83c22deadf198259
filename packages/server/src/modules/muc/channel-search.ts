import {
  type Channel,
  type ChannelQuery,
  channelSearchError,
  channelSearchForm,
  channelSearchResult,
  type Element,
  Jid,
  StanzaError,
} from '@jackdaw/xmpp'
import type { MucHost } from './room.ts'
import type { Rooms } from './rooms.ts'

/** Most rooms that one search looks at, most words that it looks for, and after how many rooms others have their turn. */
const most = 10_000
const mostWords = 16
const stride = 200

/** XEP-0433: the rooms that everybody may find, by the words in their names, descriptions and addresses. One search of a user at a time. */
export class ChannelSearches {
  readonly #host: MucHost
  readonly #rooms: Rooms
  readonly #searching = new Set<string>()

  constructor(host: MucHost, rooms: Rooms) {
    this.#host = host
    this.#rooms = rooms
  }

  async answer(query: ChannelQuery | undefined, from: Jid): Promise<Element> {
    if (!query) return channelSearchForm()
    const user = from.bare.toString()
    if (this.#searching.has(user))
      throw channelSearchError('resource-constraint', 'rate-limit', 'wait', 'One search at a time', [], {
        'retry-after': '1',
      })
    this.#searching.add(user)
    try {
      return await this.#search(query)
    } finally {
      this.#searching.delete(user)
    }
  }

  async #search({ text, within, minUsers, order, hasRooms, set }: ChannelQuery): Promise<Element> {
    const { after, before, index, max = this.#host.config.page } = set
    if (before !== undefined || index !== undefined)
      throw new StanzaError('feature-not-implemented', 'The list is read from its beginning')
    const words = text === undefined ? [] : wordsOf(text)
    const size = Math.min(max, this.#host.config.page)
    const found: Channel[] = []
    let seen = 0
    // In the order of addresses, a page begins where the last one ended.
    const start = order === 'address' ? after : undefined
    if (hasRooms)
      for await (const [address] of this.#host.stores.listed.owners('room', start)) {
        if (++seen > most || (order === 'address' && found.length > size)) break
        if (seen % stride === 1) await new Promise<void>((resolve) => this.#host.clock.soon(resolve))
        const channel = await this.#channel(address)
        if (!channel || channel.users < minUsers) continue
        const searched = [
          within.name ? channel.name : '',
          within.description ? channel.description : '',
          within.address ? address : '',
        ]
        const haystack = searched.join('\n').toLowerCase()
        if (words.every((word) => haystack.includes(word))) found.push(channel)
      }
    if (order === 'address') return channelSearchResult(found.slice(0, size), found.length <= size)
    const sorted = found.toSorted((a, b) => b.users - a.users)
    const first = after === undefined ? 0 : sorted.findIndex(({ address }) => address.toString() === after) + 1
    // XEP-0059 §2.2
    if (after !== undefined && first === 0) throw new StanzaError('item-not-found', 'The list has changed: begin anew')
    const page = sorted.slice(first, first + size)
    return channelSearchResult(page, first + size >= sorted.length, sorted.length)
  }

  async #channel(address: string): Promise<Channel | undefined> {
    const { stores } = this.#host
    const here = this.#rooms.here(address)
    const config = here?.config ?? (await stores.rooms.get(address, 'room'))?.config
    if (!config?.isPublic) return undefined
    return {
      address: Jid.parse(address),
      name: config.name,
      description: config.description,
      language: config.language,
      // A room that nobody has touched since the start is not in memory, though it may have occupants.
      users: here?.occupants.size ?? (await stores.occupants.all(address)).size,
      isOpen: config.password === '' && !config.isMembersOnly,
      isNonAnonymous: config.whois === 'anyone',
    }
  }
}

/** @throws StanzaError bad-request with invalid-search-terms (§4.2.2.3) */
function wordsOf(text: string): string[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .slice(0, mostWords)
  if (words.length === 0)
    throw channelSearchError('bad-request', 'invalid-search-terms', 'modify', 'A word has at least a letter or a digit')
  return words
}
