import { parse } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { mismatch } from './pattern.ts'

const element = parse(`<a xmlns='x' id='1'><b>text</b><c/></a>`)

test.each([
  `<a xmlns='x'/>`,
  `<a xmlns='x' id='1'/>`,
  `<a xmlns='x' id='…'><c/><b>…</b></a>`,
  `<a xmlns='x'><b>text</b></a>`,
])('%s matches', (pattern) => {
  expect(mismatch(parse(pattern), element)).toBeUndefined()
})

test.each([
  `<a xmlns='y'/>`,
  `<b xmlns='x'/>`,
  `<a xmlns='x' id='2'/>`,
  `<a xmlns='x' to='…'/>`,
  `<a xmlns='x'><b>other</b></a>`,
  `<a xmlns='x'><d/></a>`,
])('%s does not match', (pattern) => {
  expect(mismatch(parse(pattern), element)).toContain('is missing')
})
