import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { flatten } from './flatten.ts'

test('any string comes back as it is, lone surrogates too', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\uD83D', '\uDE00', 'a') }),
      (s, halves) => {
        expect(flatten(s)).toBe(s)
        expect(flatten(halves)).toBe(halves)
      },
    ),
  )
})

test.each([
  ['one byte a character', 'x'],
  ['two bytes a character', '♥'],
])(
  '2,000 addresses kept out of chunks of 16 Ki characters do not keep the chunks (%s)',
  (_, filler) => {
    const chunk = (i: number) =>
      decoder.decode(encoder.encode(`romeo-${i}@montague.example/orchard${filler.repeat(16_384)}`))
    const kept: string[] = []
    const before = heapUsed()
    for (let i = 0; i < 2_000; i++) kept.push(flatten(chunk(i).slice(0, 32)))
    // The chunks are 32 MB and more, the addresses 0.2 MB.
    expect(heapUsed() - before).toBeLessThan(4_000_000)
    expect(kept).toHaveLength(2_000)
  },
  30_000,
)

const encoder = new TextEncoder()
const decoder = new TextDecoder()
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
