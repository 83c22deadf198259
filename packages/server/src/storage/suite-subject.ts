import type { Json } from '../world.ts'
import type { Storage } from './storage.ts'

/** The storage that a suite tests, and the time of its clock in milliseconds. */
export interface Subject {
  readonly storage: Storage
  now: number
  reopen(how?: 'close' | 'kill'): Promise<void>
}

/** Every kind of value, with those that a careless encoding would change. */
export const values: Json[] = [
  null, true, 0, -1.5, '', '=', '={"a":1}', '<message/>', 'a\0b', '\ud800', '😀', [], {}, [null, [1]],
  { ['__proto__']: 1, a: { b: ['c'] } }, JSON.parse('{"__proto__":{"x":1}}') as Json, 'x'.repeat(3_000_000),
] // prettier-ignore

/** Lets the journal end its tick. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
