import { createHash } from 'node:crypto'
import { Jid } from '@jackdaw/xmpp'
import type { Random } from '../../world.ts'

/** What is kept of an invitation, under the hash of its token: who reads the database cannot use it. */
export type Invitation = {
  /** A link with it sets the password of `account` anew; else it makes an account. */
  readonly isReset: boolean
  /** Who becomes a contact of whoever comes, a bare JID; none when the operator invites. */
  readonly inviter?: string
  /** The bare JID that is reserved, or whose password is set. */
  readonly account?: string
  /** The role that the account gets. */
  readonly role?: string
  /** How often it can still be used. */
  readonly uses: number
  readonly used: number
  /** Milliseconds since the Unix epoch. */
  readonly made: number
  readonly expires: number
  /** Made by a start of a server that had no accounts. */
  readonly isFirst?: true
}

/** Letters of tokens: alphanumeric (XEP-0401 §5.1), and none that look alike. */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
const length = 27

/** 135 bits. */
export function makeToken(random: Random): string {
  return Array.from(random.bytes(length), (byte) => letters[byte % letters.length]).join('')
}

/** With so many bits in a token, no salt and no slow hash is needed. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** By what people call an invitation without knowing its token. */
export function idOf(hash: string): string {
  return hash.slice(0, 10)
}

/** XEP-0445 §2, XEP-0401 §5.1; undefined for a new password, which apps cannot set so. */
export function uriOf({ isReset, inviter, account }: Invitation, token: string, domain: Jid): string | undefined {
  if (isReset) return undefined
  const named = (jid: Jid) =>
    `xmpp:${jid.local === undefined ? '' : `${encodeURIComponent(jid.local)}@`}${encodeURIComponent(jid.domain)}`
  if (inviter !== undefined && account === undefined)
    return `${named(Jid.parse(inviter))}?roster;preauth=${token};ibr=y`
  return `${named(account === undefined ? domain : Jid.parse(account))}?register;preauth=${token}`
}
