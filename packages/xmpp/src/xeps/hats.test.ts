import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { Hats } from './hats.ts'

test('XEP-0317 §4.1: hats are read as they were written', () => {
  const hats = [
    { title: 'Host', uri: 'http://schemas.example.com/hats#host', hue: '327.255249' },
    { title: 'Presenter', uri: 'http://schemas.example.com/hats#presenter', hue: undefined },
  ]
  expect(Hats.read(Hats.write(hats))).toEqual(hats)
  expect(Hats.read(Hats.write([]))).toEqual([])
})

test.each([`title='Host'`, `uri='urn:x:y'`, ''])('XEP-0317 §4.1: <hat %s/> lacks an attribute', (attributes) => {
  const element = parse(`<hats xmlns='urn:xmpp:hats:0'><hat ${attributes}/></hats>`)
  expect(() => Hats.read(element)).toThrow(expect.objectContaining({ condition: 'bad-request' }))
})
