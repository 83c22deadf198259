import { expect, test } from 'vitest'
import { defaultLimits, XmlParser } from './parser.ts'

/** The characters that strings are asked to look through or to copy meanwhile; asking also joins what was put together. */
function work(task: () => void): number {
  let characters = 0
  const undo: (() => void)[] = []
  const count = (owner: object, method: string, weight: (self: string, argument: string) => number) => {
    const original: (...given: string[]) => unknown = Reflect.get(owner, method)
    undo.push(() => Reflect.set(owner, method, original))
    const counting = new Proxy(original, {
      apply(target, self, given: string[]) {
        characters += weight(self, given[0]!)
        return Reflect.apply(target, self, given)
      },
    })
    Reflect.set(owner, method, counting)
  }
  for (const method of ['indexOf', 'includes', 'search', 'slice', 'replace', 'startsWith'])
    count(String.prototype, method, (self) => self.length)
  count(String.prototype, 'charCodeAt', () => 1)
  count(RegExp.prototype, 'exec', (_, text) => text.length)
  try {
    task()
  } finally {
    for (const one of undo) one()
  }
  return characters
}

function drip(before: string, byte: number, after: string, length: number): number {
  const parser = new XmlParser({ ...defaultLimits, stanzaBytes: length * 2 })
  parser.write('<stream>')
  parser.read()
  return work(() => {
    parser.write(before)
    for (let i = 0; i < length; i++) {
      parser.write(Uint8Array.of(byte))
      if (parser.read() !== undefined) throw new Error('too early')
    }
    parser.write(after)
    if (typeof parser.read() !== 'object') throw new Error('no element')
  })
}

test.each([
  ['text', '<a>', 0x78, '</a>'],
  ['attribute', `<a b='`, 0x78, `'/>`],
  ['tag', '<a ', 0x20, '/>'],
  ['CDATA', '<a><![CDATA[', 0x78, ']]></a>'],
])('a token that drips in byte by byte costs what it weighs: %s', (_name, before, byte, after) => {
  // Eight times the text: 64 times the work if any of it were quadratic.
  const ratio = drip(before, byte, after, 131_072) / drip(before, byte, after, 16_384)
  expect(ratio).toBeGreaterThan(6)
  expect(ratio).toBeLessThan(20)
})
