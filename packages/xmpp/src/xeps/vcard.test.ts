import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { photoOf, vcardText, withPhoto } from './vcard.ts'

const card = (inner: string) => parse(`<vCard xmlns='vcard-temp' version='3.0'>${inner}</vCard>`)

test.each([
  [
    'an image',
    '<PHOTO><TYPE> image/png </TYPE><BINVAL>\n iVBO\n Rw== </BINVAL></PHOTO>',
    { type: 'image/png', data: 'iVBORw==' },
  ],
  ['an image of which no type is told', '<PHOTO><BINVAL>AAAA</BINVAL></PHOTO>', { type: '', data: 'AAAA' }],
  ['no photo', '', undefined],
  ['an empty photo', '<PHOTO/>', undefined],
  ['an empty image', '<PHOTO><BINVAL/></PHOTO>', undefined],
  ['an image elsewhere', '<PHOTO><EXTVAL>http://x</EXTVAL></PHOTO>', undefined],
  ['what is no base64', '<PHOTO><BINVAL>AAA</BINVAL></PHOTO>', undefined],
])('XEP-0153 §4.5: %s', (_, inner, photo) => {
  expect(photoOf(card(inner))).toEqual(photo)
})

test('XEP-0153 §4.5: an image is put in the place of another, and the rest stays', () => {
  const before = card('<FN>Juliet</FN><PHOTO><BINVAL>AAAA</BINVAL></PHOTO>')
  const after = withPhoto(before, { type: 'image/png', data: 'BBBB' })
  expect(String(after)).toBe(
    "<vCard xmlns='vcard-temp' version='3.0'><FN>Juliet</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>BBBB</BINVAL></PHOTO></vCard>",
  )
  expect(String(withPhoto(after, undefined))).toBe("<vCard xmlns='vcard-temp' version='3.0'><FN>Juliet</FN></vCard>")
})

test('XEP-0054 §3: what a vCard says', () => {
  const juliet = card('<N><FAMILY> Capulet </FAMILY><GIVEN/></N>')
  expect([vcardText(juliet, 'N', 'FAMILY'), vcardText(juliet, 'N', 'GIVEN'), vcardText(juliet, 'X', 'Y')]).toEqual([
    'Capulet',
    undefined,
    undefined,
  ])
})
