import { StanzaError } from '../errors.ts'
import { Jid, JidError } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

/** XEP-0402: the node of an account's bookmarks; each item's id is a room's JID. */
export const bookmarksNs = 'urn:xmpp:bookmarks:1'
/** XEP-0048: the node, or the element in private storage (XEP-0049), that holds all of them. */
export const legacyBookmarksNs = 'storage:bookmarks'

/** XEP-0402 §3: a room that somebody wants to find again. */
export interface Bookmark {
  readonly name?: string | undefined
  readonly isAutojoined: boolean
  readonly nick?: string | undefined
  readonly password?: string | undefined
  /** What other extensions keep with it, such as the settings of XEP-0492; kept as it is, also when not understood. */
  readonly extensions: readonly Element[]
}

/** `<conference/>` of XEP-0402. */
export const Bookmark: Payload<Bookmark> = {
  name: 'conference',
  ns: bookmarksNs,
  read: (element) => ({
    ...common(element),
    extensions: element.child('extensions')?.elements() ?? [],
  }),
  write: (bookmark) =>
    conference(
      bookmarksNs,
      {},
      bookmark,
      bookmark.extensions.length > 0 ? xml('extensions', bookmarksNs, undefined, ...bookmark.extensions) : undefined,
    ),
}

/** All of an account's bookmarks in the older form. */
export interface LegacyBookmarks {
  /** By the room's JID; extensions there are none. */
  readonly rooms: ReadonlyMap<string, Bookmark>
  /** Web pages, and what else clients keep there. */
  readonly others: readonly Element[]
}

/** `<storage/>` of XEP-0048. Reading leaves out rooms whose address is none. */
export const LegacyBookmarks: Payload<LegacyBookmarks> = {
  name: 'storage',
  ns: legacyBookmarksNs,
  read(element) {
    const rooms = new Map<string, Bookmark>()
    const others: Element[] = []
    for (const child of element.elements()) {
      if (child.name !== 'conference' || child.ns !== legacyBookmarksNs) others.push(child)
      else {
        const jid = bookmarkedRoom(child.attr('jid'))
        if (jid) rooms.set(jid.toString(), { ...common(child), extensions: [] })
      }
    }
    return { rooms, others }
  },
  write: ({ rooms, others }) =>
    xml(
      'storage',
      legacyBookmarksNs,
      undefined,
      ...[...rooms].map(([jid, bookmark]) => conference(legacyBookmarksNs, { jid }, bookmark)),
      ...others,
    ),
}

/** XEP-0048 §2.1: the address of a bookmarked room; undefined for a text that is none. */
export function bookmarkedRoom(text: string | undefined): Jid | undefined {
  try {
    return text === undefined ? undefined : Jid.parse(text).bare
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

function common(element: Element): Omit<Bookmark, 'extensions'> {
  if (element.name !== 'conference') throw new StanzaError('bad-request', 'A bookmark is a conference')
  const autojoin = element.attr('autojoin')
  return {
    name: element.attr('name'),
    isAutojoined: autojoin === 'true' || autojoin === '1',
    nick: element.child('nick')?.text,
    password: element.child('password')?.text,
  }
}

function conference(
  ns: string,
  attributes: Record<string, string>,
  { name, isAutojoined, nick, password }: Bookmark,
  extensions?: Element,
): Element {
  return xml(
    'conference',
    ns,
    { ...attributes, name, autojoin: isAutojoined ? 'true' : undefined },
    nick === undefined ? undefined : xml('nick', ns, undefined, nick),
    password === undefined ? undefined : xml('password', ns, undefined, password),
    extensions,
  )
}
