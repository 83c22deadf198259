import { createHash } from 'node:crypto'
import {
  type Element,
  type Jid,
  parse,
  type Photo,
  photoOf,
  type Presence,
  StanzaError,
  unlimited,
  VCard,
  vcardNs,
  vcardText,
  vcardUpdateNs,
  withPhoto,
  xml,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { size } from '../config/fields.ts'
import { defineModule, map, type Target } from '../module.ts'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { presence as presenceModule } from './presence/presence.ts'
import { roster } from './roster/roster.ts'

/** What a vCard says of whom it is about, as far as people are looked for by it. */
export type Names = {
  readonly first: string
  readonly last: string
  readonly nick: string
  readonly email: string
}

/** Where a session's record keeps the hash of its account's avatar; '' when there is none. */
const key = 'photo'

/** Most characters of one of the names. */
const maxName = 200

/** What accounts tell about themselves, with an avatar of which the hash stands in their presence. */
export const vcard = defineModule({
  name: 'vcard',
  xeps: ['XEP-0054 1.3.0', 'XEP-0153 1.1.1'],
  needs: [roster, presenceModule],
  features: { server: [vcardNs], account: [vcardNs] },
  stores: { cards: map<string>(), photos: map<string>(), names: map<Names>() },
  config: z.object({
    size: size({ min: '1 KiB' }).prefault('128 KiB').describe('The largest vCard, in characters of XML.'),
    access: z
      .enum(['everybody', 'subscribers'])
      .default('everybody')
      .describe('Who may read vCards: everybody (occupants of the same rooms need that), or who sees the presence.'),
  }),
  start(host) {
    const { cards, photos, names } = host.stores
    const { rosters } = host.use(roster)
    const { announcer } = host.use(presenceModule)
    const listeners = new Set<(account: Jid, photo: Photo | undefined) => void>()

    host.answer('get', 'account', VCard, ({ to, from, isOwn }) =>
      when(mayRead(to, from), (may) =>
        when(cards.get(to.toString(), ''), (text) => {
          if (text !== undefined && may) return parse(text, unlimited)
          // §3.3: the same for an account that does not exist.
          throw new StanzaError(isOwn ? 'item-not-found' : 'service-unavailable')
        }),
      ),
    )

    host.answer('set', 'account', VCard, ({ payload: card, to, isOwn }) => {
      if (!isOwn) throw new StanzaError('forbidden', 'This is not your vCard')
      const text = card.toString()
      if (text.length > host.config.size) throw new StanzaError('policy-violation', 'The vCard is too large')
      return when(photos.get(to.toString(), ''), (before = '') => {
        const photo = photoOf(card)
        return keep(to, card, text, () => {
          if (hashOf(photo) !== before) for (const listener of listeners) listener(to, photo)
        })
      })
    })

    // XEP-0398 §4
    host.hook('presence:out', 'stamp', (passage) => {
      const { stanza, sender } = passage
      if (stanza.type !== undefined) return
      return when(hashFor(sender!), (hash) => {
        passage.stanza = stamped(stanza, hash)
      })
    })

    function mayRead(account: Jid, entity: Jid): Awaitable<boolean> {
      return host.config.access === 'everybody' || rosters.isSubscribed(account, entity)
    }

    function hashFor(session: Target): Awaitable<string> {
      const known = session.get<string>(key)
      if (known !== undefined) return known
      return when(photos.get(session.account.toString(), ''), (hash = '') => {
        session.set(key, hash)
        return hash
      })
    }

    /** Reads what it needs, then keeps the vCard, tells who sees the account of another avatar, and does the rest, all at once. */
    function keep(account: Jid, card: Element, text: string, then: () => void): Awaitable<void> {
      return when(announcer(account), (announce) => {
        const owner = account.toString()
        const hash = hashOf(photoOf(card))
        void cards.edit(owner, '', () => text)
        void photos.edit(owner, '', () => hash || undefined)
        void names.edit(owner, '', () => namesIn(card))
        for (const session of host.sessions(account)) {
          session.set(key, hash)
          const { presence } = session
          if (!presence) continue
          const renewed = stamped(presence, hash)
          if (hashIn(renewed) !== hashIn(presence)) announce(session, renewed)
        }
        then()
      })
    }

    return {
      /** Whether everybody may read vCards. */
      isOpen: host.config.access === 'everybody',
      /** Puts another avatar into the account's vCard, or takes it out. */
      setPhoto(account: Jid, photo: Photo | undefined): Awaitable<void> {
        return when(cards.get(account.toString(), ''), (text) => {
          const before = text === undefined ? xml('vCard', vcardNs) : parse(text, unlimited)
          if (hashOf(photoOf(before)) === hashOf(photo)) return
          const card = withPhoto(before, photo)
          const changed = card.toString()
          if (changed.length <= host.config.size) return keep(account, card, changed, () => {})
        })
      },
      /** Calls back when an account has given its vCard another avatar, in the same tick; returns what ends that. */
      onPhoto(listener: (account: Jid, photo: Photo | undefined) => void): () => void {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      /** All who have told something of themselves. */
      names: () => names.owners(''),
    }
  },
})

/** XEP-0153 §3.1 */
function hashOf(photo: Photo | undefined): string {
  return photo ? createHash('sha1').update(photo.data, 'base64').digest('hex') : ''
}

function hashIn(presence: Presence): string | undefined {
  return presence.child('x', vcardUpdateNs)?.child('photo')?.text
}

/** XEP-0398 §4: the presence with the hash of the avatar, unless its client says that it shows none. */
function stamped(presence: Presence, hash: string): Presence {
  const x = presence.child('x', vcardUpdateNs)
  if (x ? x.child('photo')?.text === '' || hashIn(presence) === hash : hash === '') return presence
  const others = presence.children.filter((child) => child !== x)
  const photo = xml('photo', vcardUpdateNs, undefined, hash)
  return presence.containing([...others, xml('x', vcardUpdateNs, undefined, photo)])
}

function namesIn(card: Element): Names | undefined {
  const text = (...path: string[]) => vcardText(card, ...path)?.slice(0, maxName) ?? ''
  const [first, last, nick] = [text('N', 'GIVEN'), text('N', 'FAMILY'), text('NICKNAME')]
  const email = text('EMAIL', 'USERID')
  if (first || last || nick || email) return { first, last, nick, email }
}
