import { expect, test } from 'vitest'
import { Jid } from '../jid.ts'
import { parse } from '../xml/parser.ts'
import { MamFin, mamFields, MamForm, MamMetadata, MamQuery, MamResult } from './mam.ts'

const submit = (fields: string, rest = '') =>
  `<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>${fields}</x>${rest}</query>`
const field = (name: string, ...values: string[]) =>
  `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`

test.each<[string, string, MamQuery]>([
  ['§4 example 2', "<query xmlns='urn:xmpp:mam:2' queryid='f27'/>", { queryId: 'f27' }],
  ['§4.1.1', submit(field('with', 'juliet@capulet.lit')), { with: Jid.parse('juliet@capulet.lit') }],
  [
    '§4.1.2',
    submit(field('start', '2010-06-07T00:00:00Z') + field('end', '2010-07-07T13:23:54Z')),
    { start: Date.UTC(2010, 5, 7), end: Date.UTC(2010, 6, 7, 13, 23, 54) },
  ],
  [
    '§4.1.3',
    submit(field('before-id', '09af3-cc343-b409f') + field('after-id', '28482-98726-73623')),
    { afterId: '28482-98726-73623', beforeId: '09af3-cc343-b409f' },
  ],
  ['§4.1.3 ids', submit(field('ids', '28482-98726-73623', '2')), { ids: ['28482-98726-73623', '2'] }],
  ['§4.1.4', submit(field('include-groupchat', 'true')), { includeGroupchat: true }],
  [
    '§4.1.5',
    submit(field('{http://example.com/}free-text-search', 'Where arth thou?')),
    { others: new Map([['{http://example.com/}free-text-search', ['Where arth thou?']]]) },
  ],
  [
    '§4.3.4',
    submit(
      field('start', '2010-08-07T00:00:00Z'),
      `<set xmlns='http://jabber.org/protocol/rsm'><max>10</max><after>09af3-cc343-b409f</after></set><flip-page/>`,
    ),
    { start: Date.UTC(2010, 7, 7), set: { max: 10, after: '09af3-cc343-b409f' }, isFlipped: true },
  ],
])('XEP-0313 %s: a query is read and written', (_, text, value) => {
  expect(MamQuery.read(parse(text))).toMatchObject(value)
  expect(MamQuery.write(value).toString()).toBe(text)
})

test('XEP-0313 §4.1: what is no submission of this form is refused', () => {
  for (const text of [
    "<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'/></query>",
    submit('').replace('<value>urn:xmpp:mam:2<', '<value>urn:xmpp:mam:1<'),
    submit('').replace('submit', 'form'),
    submit(field('start', 'yesterday')),
  ])
    expect(() => MamQuery.read(parse(text))).toThrow(expect.objectContaining({ condition: 'bad-request' }))
  expect(() => MamQuery.read(parse(submit(field('with', '@'))))).toThrow(
    expect.objectContaining({ condition: 'jid-malformed' }),
  )
})

test('XEP-0313 §4.1: an empty field asks for nothing', () => {
  const read = MamQuery.read(parse(submit(field('with') + field('start', ''))))
  expect([read.with, read.start]).toEqual([undefined, undefined])
})

test('XEP-0313 §4.1.5: the form has the mandatory fields, none required, and ids is open', () => {
  expect(MamForm.read(parse("<query xmlns='urn:xmpp:mam:2'/>"))).toBeUndefined()
  const written = MamForm.read(MamForm.write(mamFields))!
  expect(written.fields!.map(({ var: name, type }) => `${name} ${type}`)).toEqual([
    'FORM_TYPE hidden',
    'with jid-single',
    'start text-single',
    'end text-single',
    'before-id text-single',
    'after-id text-single',
    'ids list-multi',
    'include-groupchat boolean',
  ])
  expect(written.fields!.some((one) => one.isRequired)).toBe(false)
  expect(written.fields![6]!.extensions!.map(String)).toEqual([
    "<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><open/></validate>",
  ])
})

test('XEP-0313 §4.2 example 12: a result', () => {
  const text = `<result xmlns='urn:xmpp:mam:2' queryid='f27' id='28482-98726-73623'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' to='juliet@capulet.lit/balcony' from='romeo@montague.lit/orchard' type='chat'><body>Call me but love</body></message></forwarded></result>`
  const value = MamResult.read(parse(text))
  expect(value).toMatchObject({ queryId: 'f27', id: '28482-98726-73623' })
  expect(MamResult.write(value).toString()).toBe(text)
})

test.each<[string, MamFin]>([
  [
    "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first index='0'>23452-4534-1</first><last>390-2342-22</last><count>16</count></set></fin>",
    { isComplete: true, isStable: true, set: { first: '23452-4534-1', index: 0, last: '390-2342-22', count: 16 } },
  ],
  [
    "<fin xmlns='urn:xmpp:mam:2' stable='false'><set xmlns='http://jabber.org/protocol/rsm'/></fin>",
    { isComplete: false, isStable: false, set: {} },
  ],
])('XEP-0313 §4.3.2: the end of a page: %s', (text, value) => {
  expect(MamFin.read(parse(text))).toEqual(value)
  expect(MamFin.write(value).toString()).toBe(text)
})

test('XEP-0313 §5: metadata of an archive and of an empty one', () => {
  const text = `<metadata xmlns='urn:xmpp:mam:2'><start id='YWxwaGEg' timestamp='2008-08-22T21:09:04Z'/><end id='b21lZ2Eg' timestamp='2020-04-20T14:34:21Z'/></metadata>`
  const value = MamMetadata.read(parse(text))
  expect(value?.end).toEqual({ id: 'b21lZ2Eg', timestamp: Date.UTC(2020, 3, 20, 14, 34, 21) })
  expect(MamMetadata.write(value).toString()).toBe(text)
  expect(MamMetadata.write(undefined).toString()).toBe("<metadata xmlns='urn:xmpp:mam:2'/>")
  expect(MamMetadata.read(MamMetadata.write(undefined))).toBeUndefined()
})
