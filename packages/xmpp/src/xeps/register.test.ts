import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { Registration } from './register.ts'

const read = (content: string) => Registration.read(parse(`<query xmlns='jabber:iq:register'>${content}</query>`))

test('XEP-0077 §3.1: fields that are asked for are empty elements, and what is not said is undefined', () => {
  const form = Registration.write({ instructions: 'Choose.', username: '', password: '' })
  expect(form.toString()).toBe(
    "<query xmlns='jabber:iq:register'><instructions>Choose.</instructions><username/><password/></query>",
  )
  expect(read('<username>bill</username><password/>')).toEqual({
    isRegistered: false,
    instructions: undefined,
    username: 'bill',
    password: '',
    isRemoval: false,
  })
  expect(Registration.read(Registration.write({ isRegistered: true, isRemoval: false })).isRegistered).toBe(true)
})

test('XEP-0077 §3.2: a removal says nothing else', () => {
  expect(read('<remove/>').isRemoval).toBe(true)
  expect(Registration.write({ isRemoval: true }).toString()).toBe("<query xmlns='jabber:iq:register'><remove/></query>")
  for (const more of ['<remove/><username/>', "<x xmlns='jabber:x:data'/><remove/>"])
    expect(() => read(more), more).toThrow(expect.objectContaining({ condition: 'bad-request' }))
})
