import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { Caps, capsText } from './caps.ts'
import { DiscoInfo } from './disco.ts'

const sha1 = (text: string) => createHash('sha1').update(text).digest('base64')
const textOf = (content: string) =>
  capsText(DiscoInfo.read(parse(`<query xmlns='http://jabber.org/protocol/disco#info'>${content}</query>`)))

const features = ['disco#items', 'muc', 'caps', 'disco#info']
  .map((name) => `<feature var='http://jabber.org/protocol/${name}'/>`)
  .join('')

test('XEP-0115 §5.2: the simple example', () => {
  const text = textOf(`${features}<identity category='client' name='Exodus 0.9.1' type='pc'/>`)
  expect(text).toBe(
    'client/pc//Exodus 0.9.1<http://jabber.org/protocol/caps<http://jabber.org/protocol/disco#info<' +
      'http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<',
  )
  expect(sha1(text)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=')
})

const softwareInfo = `<x xmlns='jabber:x:data' type='result'>
  <field var='software_version'><value>0.11</value></field>
  <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
  <field var='os'><value>Mac</value></field>
  <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
  <field var='software'><value>Psi</value></field>
  <field var='os_version'><value>10.5.1</value></field></x>`
const psi = `<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
  <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>${features}`

test('XEP-0115 §5.3: the complex example, whatever the order of what it is made of', () => {
  expect(sha1(textOf(psi + softwareInfo))).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=')
})

test('XEP-0115 §5.4: a form that does not say in a hidden field what it is for is left out', () => {
  const other = softwareInfo.replace(" type='hidden'", '')
  expect(textOf(psi + other)).toBe(textOf(psi))
})

test('XEP-0115 §5.1: what is sorted is sorted by octets: U+FF5E comes before U+1F600, and "a" before "a-b"', () => {
  const identities = (...all: string[]) => all.map((type) => `<identity category='${type}' type='x'/>`).join('')
  expect(textOf("<feature var='😀'/><feature var='～'/><feature var='b'/>")).toBe('b<～<😀<')
  expect(textOf(identities('a-b', 'a'))).toBe('a/x//<a-b/x//<')
})

test('XEP-0115 §4, §13: the element is read as it was written, and not in the legacy format', () => {
  const value = { hash: 'sha-1', node: 'urn:x', ver: 'abc=' }
  const element = Caps.write(value)
  expect(element.toString()).toBe("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='abc='/>")
  expect(Caps.read(element)).toEqual(value)
  expect(() => Caps.read(element.with({ hash: undefined }))).toThrow(
    expect.objectContaining({ condition: 'bad-request' }),
  )
})
