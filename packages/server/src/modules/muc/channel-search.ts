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
import type { RoomConfig } from './config-form.ts'
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

  async #search({ text: sought, within, minUsers, order, hasRooms, set }: ChannelQuery): Promise<Element> {
    const { clock, config: limits, stores } = this.#host
    const { after, before, index, max = limits.page } = set
    if (before !== undefined || index !== undefined)
      throw new StanzaError('feature-not-implemented', 'The list is read from its beginning')
    const words = sought === undefined ? [] : wordsOf(sought)
    const size = Math.min(max, limits.page)
    const found: Channel[] = []
    let seen = 0
    // In the order of addresses, a page begins where the last one ended.
    const start = order === 'address' ? after : undefined
    if (hasRooms)
      for await (const [address] of stores.listed.owners('room', start)) {
        if (++seen > most || (order === 'address' && found.length > size)) break
        if (seen % stride === 1) await new Promise<void>((resolve) => clock.soon(resolve))
        const here = this.#rooms.here(address)
        const config = here?.config ?? (await stores.rooms.get(address, 'room'))?.config
        if (!config?.isPublic) continue
        const searched = [
          within.name ? config.name : '',
          within.description ? config.description : '',
          within.address ? address : '',
        ]
        const text = searched.join('\n').toLowerCase()
        if (!words.every((word) => text.includes(word))) continue
        // A room that nobody has touched since the start is not in memory, though it may have occupants.
        const users = here?.occupants.size ?? (await stores.occupants.all(address)).size
        if (users >= minUsers) found.push(channelOf(address, config, users))
      }
    if (order === 'address') return channelSearchResult(found.slice(0, size), found.length <= size && seen <= most)
    const sorted = found.toSorted((a, b) => b.users - a.users)
    const first = after === undefined ? 0 : sorted.findIndex(({ address }) => address.toString() === after) + 1
    // XEP-0059 §2.2
    if (after !== undefined && first === 0) throw new StanzaError('item-not-found', 'The list has changed: begin anew')
    const page = sorted.slice(first, first + size)
    return channelSearchResult(page, first + size >= sorted.length, sorted.length)
  }
}

function channelOf(address: string, config: RoomConfig, users: number): Channel {
  const { name, description, language, password, isMembersOnly, whois } = config
  const isOpen = password === '' && !isMembersOnly
  return { address: Jid.parse(address), name, description, language, users, isOpen, isNonAnonymous: whois === 'anyone' }
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
