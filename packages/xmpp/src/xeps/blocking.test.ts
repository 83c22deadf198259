import { expect, test } from 'vitest'
import { StanzaError } from '../errors.ts'
import { Jid } from '../jid.ts'
import { parse } from '../xml/parser.ts'
import { Block, blockedError, Blocklist, Unblock } from './blocking.ts'

const jid = Jid.parse('romeo@montague.net')
const block = (inner: string) => parse(`<block xmlns='urn:xmpp:blocking'>${inner}</block>`)

test('XEP-0191 §3.2: a block list is read as it is written', () => {
  const items = [{ jid }, { jid: Jid.parse('shakespeare.lit') }]
  expect(Blocklist.write(items).toString()).toBe(
    "<blocklist xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/><item jid='shakespeare.lit'/></blocklist>",
  )
  expect(Blocklist.read(Blocklist.write(items))).toEqual(items)
})

test.each([
  ['§3.3: nobody is named', '', 'bad-request'],
  ['§3.3: what is named is no item', "<item xmlns='urn:x' jid='a@b'/>", 'bad-request'],
  ['an item without a jid', '<item/>', 'bad-request'],
  ['an item whose jid is none', "<item jid='a@@b'/>", 'jid-malformed'],
])('XEP-0191 %s', (_, inner, condition) => {
  expect(() => Block.read(block(inner))).toThrow(expect.objectContaining({ condition }) as StanzaError)
})

test('XEP-0191 §3.5: who unblocks nobody means all', () => {
  expect(Unblock.read(parse("<unblock xmlns='urn:xmpp:blocking'/>"))).toEqual([])
})

test('XEP-0191 §3.3: the error tells that it was the sender who blocked', () => {
  expect(blockedError().toElement().toString()).toContain("<blocked xmlns='urn:xmpp:blocking:errors'/>")
  expect(blockedError()).toMatchObject({ condition: 'not-acceptable', type: 'cancel' })
})

test('XEP-0377 §4–6: a report has a reason, words, messages, and says who may see it', () => {
  const read = Block.read(
    block(`<item jid='${jid}'><report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'>
      <stanza-id xmlns='urn:xmpp:sid:0' by='romeo@montague.net' id='28482'/>
      <text xml:lang='en'> Never came trouble to my house like this. </text><report-origin/></report></item>`),
  )
  expect(read).toEqual([
    {
      jid,
      report: {
        reason: 'urn:xmpp:reporting:spam',
        texts: [{ lang: 'en', text: 'Never came trouble to my house like this.' }],
        messages: [{ id: '28482', by: jid }],
        mayReachOrigin: true,
        mayReachThirdParties: false,
      },
    },
  ])
  expect(Block.read(Block.write(read))).toEqual(read)
})

test('XEP-0377 §6: a report that is not well written does not stand in the way of the blocking', () => {
  const report = (attrs: string, inner = '') =>
    Block.read(block(`<item jid='${jid}'><report xmlns='urn:xmpp:reporting:1' ${attrs}>${inner}</report></item>`))
  expect(report('')).toEqual([{ jid, report: undefined }])
  expect(report("reason='r'", "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>")[0]?.report?.messages).toEqual([])
})
