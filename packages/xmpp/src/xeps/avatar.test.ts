import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { AvatarData, AvatarMetadata } from './avatar.ts'

test('XEP-0084 §4.2: metadata is read as it is written', () => {
  const infos = [
    { id: '111f', bytes: 12345, type: 'image/png', width: '64', height: '64', url: undefined },
    {
      id: '357a',
      bytes: 23456,
      type: 'image/gif',
      width: undefined,
      height: undefined,
      url: 'http://a.test/happy.gif',
    },
  ]
  expect(AvatarMetadata.read(AvatarMetadata.write(infos))).toEqual(infos)
  expect(AvatarMetadata.read(parse("<metadata xmlns='urn:xmpp:avatar:metadata'><stop/></metadata>"))).toEqual([])
})

test.each([
  "id='1' type='image/png'",
  "id='1' bytes='1'",
  "bytes='1' type='image/png'",
  "id='1' bytes='x' type='image/png'",
])('XEP-0084 §4.2.1: <info %s/> is refused', (attrs) => {
  expect(() =>
    AvatarMetadata.read(parse(`<metadata xmlns='urn:xmpp:avatar:metadata'><info ${attrs}/></metadata>`)),
  ).toThrow('An avatar has')
})

test('XEP-0084 §4.1: line feeds in the data are accepted', () => {
  expect(AvatarData.read(parse("<data xmlns='urn:xmpp:avatar:data'>\n qANQ\n R1DB </data>"))).toBe('qANQR1DB')
})
