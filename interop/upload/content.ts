import type { Seeded } from '@jackdaw/testkit'

const length = 1_048_576

/** What files hold: each another part of the same circle of bytes, so that none of them is ever in memory. */
export class Content {
  readonly #circle: Buffer

  constructor(random: Seeded) {
    this.#circle = Buffer.from(random.bytes(length))
  }

  /** Some of the bytes of the file that begins at `start` in the circle, from its byte `at` on; at least one, at most `most`. */
  part(start: number, at: number, most: number): Buffer {
    const from = (start + at) % length
    return this.#circle.subarray(from, Math.min(length, from + most))
  }

  /** Whether these are the bytes of that file from its byte `at` on. */
  has(start: number, at: number, bytes: Buffer): boolean {
    for (let done = 0; done < bytes.length;) {
      const part = this.part(start, at + done, bytes.length - done)
      if (part.compare(bytes, done, done + part.length) !== 0) return false
      done += part.length
    }
    return true
  }
}
