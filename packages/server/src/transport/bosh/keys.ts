import { createHash } from 'node:crypto'
import { type BoshBody, flatten } from '@jackdaw/xmpp'

/** The keys that each request of a session proves to be its client's by (XEP-0124 §15); none are asked for of a client that uses none. */
export class Keys {
  /** What the hash of the next one must be. */
  #expected: string | undefined

  fit({ key, newkey }: BoshBody): boolean {
    const next = newkey ?? key
    if (this.#expected !== undefined && (key === undefined || sha1(key) !== this.#expected)) return false
    if (this.#expected !== undefined || newkey !== undefined) this.#expected = flatten(next!.toLowerCase())
    return true
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
