import { expect, test } from 'vitest'
import { xml } from '../xml/element.ts'
import { parse } from '../xml/parser.ts'
import { booleanValue, fieldValues, Form, formType } from './forms.ts'

test('XEP-0004 §5 examples 2 and 3: a form to be filled in, read and written again', () => {
  const text = `<x xmlns='jabber:x:data' type='form'><title>Bot Configuration</title><instructions>Fill out this form!</instructions><field var='FORM_TYPE' type='hidden'><value>jabber:bot</value></field><field type='fixed'><value>Section 1: Bot Info</value></field><field var='description' type='text-multi' label='Helpful description of your bot'/><field var='public' type='boolean' label='Public bot?'><desc>Seen by all</desc><required/></field><field var='features' type='list-multi' label='What features?'><value>news</value><value>search</value><option label='Contests'><value>contests</value></option><option label='News'><value>news</value></option></field></x>`
  const read = Form.read(parse(text))
  expect(read).toMatchObject({ type: 'form', title: 'Bot Configuration', instructions: ['Fill out this form!'] })
  expect(read.fields?.[3]).toMatchObject({ var: 'public', isRequired: true, desc: 'Seen by all', values: [] })
  expect(read.fields?.[4]?.options).toEqual([
    { label: 'Contests', value: 'contests' },
    { label: 'News', value: 'news' },
  ])
  expect(formType(read)).toBe('jabber:bot')
  expect(Form.write(read).toString()).toBe(text)
})

test('XEP-0004 §3.4 example 8: several items, read and written again', () => {
  const text = `<x xmlns='jabber:x:data' type='result'><reported><field var='name' type='text-single'/><field var='url' type='text-single'/></reported><item><field var='name'><value>Comune di Verona</value></field><field var='url'><value>http://www.comune.verona.it/</value></field></item><item><field var='name'><value>Benvenuto!</value></field><field var='url'><value/></field></item></x>`
  const read = Form.read(parse(text))
  expect(read.reported?.map((field) => field.var)).toEqual(['name', 'url'])
  expect(read.items?.map((item) => item[1]?.values?.[0])).toEqual(['http://www.comune.verona.it/', ''])
  expect(Form.read(Form.write(read))).toEqual(read)
})

test('XEP-0004 §3.3: an unknown field type counts as the default', () => {
  const read = Form.read(
    parse("<x xmlns='jabber:x:data' type='submit'><field var='a' type='new'><value>1</value></field></x>"),
  )
  expect(read.fields?.[0]?.type).toBeUndefined()
  expect(fieldValues(read, 'a')).toEqual(['1'])
  expect(fieldValues(read, 'b')).toBeUndefined()
})

test('XEP-0004 §3.1: a form without a known type is refused', () => {
  for (const attrs of ['', "type='ask'"])
    expect(() => Form.read(parse(`<x xmlns='jabber:x:data' ${attrs}/>`))).toThrow(
      expect.objectContaining({ condition: 'bad-request' }),
    )
})

test('XEP-0004 §3.3: what other extensions put into a field is kept', () => {
  const validate = xml('validate', 'http://jabber.org/protocol/xdata-validate', { datatype: 'xs:string' })
  const [field] = Form.read(Form.write({ type: 'form', fields: [{ var: 'a', extensions: [validate] }] })).fields!
  expect(field?.extensions?.map(String)).toEqual([validate.toString()])
})

test('XEP-0004 §3.3: booleans as XML Schema writes them', () => {
  expect(['true', '1', 'false', '0'].map(booleanValue)).toEqual([true, true, false, false])
  expect(() => booleanValue('yes')).toThrow(expect.objectContaining({ condition: 'not-acceptable' }))
})
