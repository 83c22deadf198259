import * as fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'

describe.each(['has', 'lacks'])('where the language %s its own base64', (which) => {
  let encodeBase64: (typeof import('./base64.ts'))['encodeBase64']
  let decodeBase64: (typeof import('./base64.ts'))['decodeBase64']

  beforeAll(async () => {
    vi.resetModules()
    const own = Object.getOwnPropertyDescriptor(Uint8Array.prototype, 'toBase64')
    if (which === 'lacks') delete (Uint8Array.prototype as Partial<Uint8Array>).toBase64
    ;({ encodeBase64, decodeBase64 } = await import('./base64.ts'))
    // oxlint-disable-next-line no-extend-native -- it was there before
    if (own) Object.defineProperty(Uint8Array.prototype, 'toBase64', own)
  })

  test('RFC 4648 §4: every byte string is encoded as Node does it, and comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        expect(encodeBase64(data)).toBe(Buffer.from(data).toString('base64'))
        expect(decodeBase64(encodeBase64(data))).toEqual(new Uint8Array(data))
      }),
    )
  })

  test('RFC 6120 §13.9.1: what is not the one encoding of some bytes is refused', () => {
    for (const text of [
      'A',
      'AA',
      'AAA',
      'AA=',
      'A===',
      '====',
      'AA==AA==',
      'AA ==',
      'AAAA\n',
      'AA-_',
      '=',
      'AAé=',
      'AAAA    ',
      'A A A A ',
      `${'A'.repeat(2000)}\t\n\r `,
    ]) {
      expect(decodeBase64(text), text).toBeUndefined()
    }
  })

  test('RFC 4648 §3.5: bits in the padding are refused', () => {
    for (const text of ['AB==', 'AAB=', 'AP==', 'AAD=']) expect(decodeBase64(text), text).toBeUndefined()
    expect(decodeBase64('AQ==')).toEqual(new Uint8Array([1]))
    expect(decodeBase64('AAE=')).toEqual(new Uint8Array([0, 1]))
  })
})
