import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { RsmRequest, RsmResult } from './rsm.ts'

const set = (children: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${children}</set>`

test.each<[string, RsmRequest]>([
  ['<max>10</max>', { max: 10 }],
  ['<max>10</max><after>peterpan@neverland.lit</after>', { max: 10, after: 'peterpan@neverland.lit' }],
  ['<max>10</max><before>peter@pixyland.org</before>', { max: 10, before: 'peter@pixyland.org' }],
  ['<max>10</max><before/>', { max: 10, before: '' }],
  ['<max>10</max><index>371</index>', { max: 10, index: 371 }],
  ['<max>0</max>', { max: 0 }],
  ['', {}],
])('XEP-0059 §2: the request %s is read and written', (text, value) => {
  expect(RsmRequest.read(parse(set(text)))).toEqual(value)
  expect(RsmRequest.read(RsmRequest.write(value))).toEqual(value)
  expect(RsmRequest.write(value).toString()).toBe(text === '' ? set('').replace('></set>', '/>') : set(text))
})

test.each<[string, RsmResult]>([
  [
    "<first index='0'>stpeter@jabber.org</first><last>peterpan@neverland.lit</last><count>800</count>",
    { first: 'stpeter@jabber.org', index: 0, last: 'peterpan@neverland.lit', count: 800 },
  ],
  ['<first>a</first><last>b</last>', { first: 'a', last: 'b' }],
  ['<count>790</count>', { count: 790 }],
])('XEP-0059 §2: the result %s is read and written', (text, value) => {
  expect(RsmResult.read(parse(set(text)))).toEqual(value)
  expect(RsmResult.write(value).toString()).toBe(set(text))
})

test.each([
  '<max>-1</max>',
  '<max>ten</max>',
  '<max>1.5</max>',
  '<max/>',
  '<max>99999999999</max>',
  '<index>0x1</index>',
])('XEP-0059 §8: %s is no number', (text) =>
  expect(() => RsmRequest.read(parse(set(text)))).toThrow(expect.objectContaining({ condition: 'bad-request' })),
)
