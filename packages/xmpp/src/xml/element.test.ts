import { expect, test } from 'vitest'
import { xml } from './element.ts'

const body = xml('body', 'jabber:client', undefined, 'hi')
const other = xml('body', 'urn:other')
const message = xml(
  'message',
  'jabber:client',
  { id: '1', 'xml:lang': 'en', to: undefined },
  'a',
  other,
  body,
  undefined,
  'b',
)

test('reading', () => {
  expect(message.attrs).toEqual(['id', '1', 'xml:lang', 'en'])
  expect(message.attr('xml:lang')).toBe('en')
  expect(message.attr('to')).toBeUndefined()
  expect(message.child('body')).toBe(body)
  expect(message.child('body', 'urn:other')).toBe(other)
  expect(message.child('subject')).toBeUndefined()
  expect(message.first()).toBe(other)
  expect(body.first()).toBeUndefined()
  expect(message.elements()).toEqual([other, body])
  expect(message.text).toBe('ab')
  expect(body.text).toBe('hi')
})

test('a copy differs in what was asked for, and the original not at all', () => {
  const before = String(message)
  const copy = message.with({ id: undefined, to: 'a@b' })
  expect(copy.attrs).toEqual(['xml:lang', 'en', 'to', 'a@b'])
  expect(copy.children).toBe(message.children)
  expect(String(message.append(body, 'c'))).toBe(before.replace('b</message>', 'b<body>hi</body>c</message>'))
  expect(String(message)).toBe(before)
})
