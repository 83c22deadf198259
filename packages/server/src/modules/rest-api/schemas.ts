import { Jid, JidError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { Problem } from './problem.ts'

function jid(fits: (jid: Jid) => boolean, expected: string) {
  return z
    .string()
    .max(3071)
    .transform((text, context): Jid => {
      try {
        const parsed = Jid.parse(text)
        if (fits(parsed)) return parsed
      } catch (error) {
        if (!(error instanceof JidError)) throw error
      }
      context.issues.push({ code: 'custom', input: text, message: `expected ${expected}` })
      return z.NEVER
    })
}

/** name@domain, of an account or a room; gives the Jid. */
export const address = jid(({ local, isBare }) => local !== undefined && isBare, 'an address name@domain').describe(
  'An address, name@domain.',
)

/** A bare JID or a domain; gives the Jid. */
export const bareAddress = jid(({ isBare }) => isBare, 'an address name@domain, or a domain').describe(
  'An address, name@domain, or a domain.',
)

/** As it is answered: RFC 3339. */
export const time = z.iso.datetime()

export const shownTime = (at: number): string => new Date(at).toISOString()

const mostItems = 500

/** What every list takes. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(mostItems).default(100).describe('Most items of this page.'),
  cursor: z.string().max(8192).optional().describe('The `next` of the page before.'),
})
export type PageQuery = z.output<typeof pageQuery>

/** What every list answers. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().optional().describe('The cursor of the next page, if there is one.'),
  })
}

/**
 * A page of a list.
 * @param behind the items behind the one with this key, in the order of their keys; all when there is none
 */
export async function paged<T>(
  { limit, cursor }: PageQuery,
  behind: (key: string | undefined) => Iterable<T> | AsyncIterable<T>,
  keyOf: (item: T) => string,
): Promise<{ readonly items: T[]; readonly next?: string }> {
  const items: T[] = []
  for await (const item of behind(cursor === undefined ? undefined : keyIn(cursor))) {
    if (items.length === limit) return { items, next: cursorOf(keyOf(items.at(-1)!)) }
    items.push(item)
  }
  return { items }
}

export function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url')
}

export function keyIn(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString()
  if (cursorOf(key) !== cursor) throw new Problem(400, 'This is no cursor')
  return key
}

/** Those of a list in memory that are behind the one with this key, in the order of their keys. */
export function sortedBehind<T>(all: Iterable<T>, keyOf: (item: T) => string) {
  return (after: string | undefined): T[] =>
    [...all]
      .filter((item) => after === undefined || keyOf(item) > after)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
}
