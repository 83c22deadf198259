import { StanzaError } from '../errors.ts'
import { Jid, JidError } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

/** RFC 6121 §2.1 */
export const rosterNs = 'jabber:iq:roster'

/** RFC 6121 §2.1.2.5, seen from the owner of the roster: 'from' sees the owner's presence. 'remove' is for sets and pushes only. */
export type RosterSubscription = 'none' | 'to' | 'from' | 'both' | 'remove'

/** One `<item/>` (RFC 6121 §2.1.2). */
export interface RosterItem {
  readonly jid: Jid
  /** The handle. */
  readonly name?: string | undefined
  readonly groups: readonly string[]
  readonly subscription?: RosterSubscription | undefined
  /** The contact has been asked for its presence and has not answered: ask='subscribe'. */
  readonly ask?: boolean | undefined
  /** The contact's request for presence has been approved in advance (§3.4). */
  readonly approved?: boolean | undefined
}

/** `<query/>`: a roster, one change of it, or the question for it. */
export interface RosterQuery {
  /** Opaque; an empty one asks for versions (§2.6.2). */
  readonly ver?: string | undefined
  readonly items: readonly RosterItem[]
}

/** Roster get, result, set and push (RFC 6121 §2). */
export const RosterQuery: Payload<RosterQuery> = {
  name: 'query',
  ns: rosterNs,
  /** @throws StanzaError bad-request for an item without JID, jid-malformed for a JID that is none */
  read(element) {
    const items = element.elements().filter((child) => child.name === 'item' && child.ns === rosterNs)
    return { ver: element.attr('ver'), items: items.map(readItem) }
  },
  write({ ver, items }) {
    return xml('query', rosterNs, { ver }, ...items.map(writeItem))
  },
}

/** What a server that knows roster versions puts into its stream features (RFC 6121 §2.6.1). */
export const rosterVersioningFeature = xml('ver', 'urn:xmpp:features:rosterver')

/** What a server that takes approvals in advance puts into its stream features (RFC 6121 §3.4). */
export const preApprovalFeature = xml('sub', 'urn:xmpp:features:pre-approval')

const subscriptions: readonly RosterSubscription[] = ['none', 'to', 'from', 'both', 'remove']

function readItem(item: Element): RosterItem {
  const subscription = item.attr('subscription')
  const approved = item.attr('approved')
  return {
    jid: readJid(item.attr('jid')),
    name: item.attr('name') || undefined,
    groups: item
      .elements()
      .filter((child) => child.name === 'group' && child.ns === rosterNs)
      .map((group) => group.text),
    // §2.1.2.5: a value that is none of these is to be ignored.
    subscription: subscriptions.find((one) => one === subscription),
    ask: item.attr('ask') === 'subscribe',
    approved: approved === 'true' || approved === '1',
  }
}

function readJid(text: string | undefined): Jid {
  if (text === undefined) throw new StanzaError('bad-request', 'A roster item needs a jid')
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', `'jid': ${error.message}`)
    throw error
  }
}

function writeItem({ jid, name, groups, subscription, ask, approved }: RosterItem): Element {
  return xml(
    'item',
    rosterNs,
    {
      jid: jid.toString(),
      name,
      subscription,
      ask: ask ? 'subscribe' : undefined,
      approved: approved ? 'true' : undefined,
    },
    ...groups.map((group) => xml('group', rosterNs, undefined, group)),
  )
}
