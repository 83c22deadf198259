import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { CapsHashes, capsHashNode, capsHashText } from './caps-hashes.ts'

const simple = `<query xmlns="http://jabber.org/protocol/disco#info">
  <identity category="client" name="BombusMod" type="mobile"/>
  <feature var="http://jabber.org/protocol/si"/>
  <feature var="http://jabber.org/protocol/bytestreams"/>
  <feature var="http://jabber.org/protocol/chatstates"/>
  <feature var="http://jabber.org/protocol/disco#info"/>
  <feature var="http://jabber.org/protocol/disco#items"/>
  <feature var="urn:xmpp:ping"/>
  <feature var="jabber:iq:time"/>
  <feature var="jabber:iq:privacy"/>
  <feature var="jabber:iq:version"/>
  <feature var="http://jabber.org/protocol/rosterx"/>
  <feature var="urn:xmpp:time"/>
  <feature var="jabber:x:oob"/>
  <feature var="http://jabber.org/protocol/ibb"/>
  <feature var="http://jabber.org/protocol/si/profile/file-transfer"/>
  <feature var="urn:xmpp:receipts"/>
  <feature var="jabber:iq:roster"/>
  <feature var="jabber:iq:last"/>
</query>`

const hash = (algorithm: string, query: string) =>
  createHash(algorithm)
    .update(capsHashText(parse(query))!)
    .digest('base64')

test('XEP-0390 §4.5.1: the simple example', () => {
  expect(hash('sha256', simple)).toBe('kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=')
  expect(hash('sha3-256', simple)).toBe('79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q=')
})

test('XEP-0390 §4.1: what cannot be hashed', () => {
  const query = (content: string) => parse(`<query xmlns='http://jabber.org/protocol/disco#info'>${content}</query>`)
  for (const content of [
    "<other xmlns='urn:x'/>",
    "<x xmlns='jabber:x:data' type='result'/>",
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>a</value></field><item/></x>",
  ])
    expect(capsHashText(query(content))).toBeUndefined()
})

test('XEP-0390 §5.4, §4.3: hashes in presence, and the node that they are asked by', () => {
  const hashes = new Map([
    ['sha-256', 'abc='],
    ['sha3-256', 'def='],
  ])
  expect(CapsHashes.read(CapsHashes.write(hashes))).toEqual(hashes)
  expect(capsHashNode('sha-256', 'abc=')).toBe('urn:xmpp:caps#sha-256.abc=')
})
