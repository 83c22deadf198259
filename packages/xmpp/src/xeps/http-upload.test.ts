import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { fileTooLarge, UploadRequest, uploadRetry, UploadSlot } from './http-upload.ts'

const ns = `xmlns='urn:xmpp:http:upload:0'`

test('XEP-0363 §4: a request has the name, the size and perhaps the type of the file', () => {
  const read = UploadRequest.read(
    parse(`<request ${ns} filename='très cool.jpg' size='23456' content-type='image/jpeg'/>`),
  )
  expect(read).toEqual({ filename: 'très cool.jpg', size: 23_456, contentType: 'image/jpeg', purpose: 'message' })
  expect(UploadRequest.read(UploadRequest.write(read))).toEqual(read)
})

test('XEP-0363 §5: a request may say what the file is for', () => {
  const read = UploadRequest.read(
    parse(`<request ${ns} filename='a' size='1'><profile xmlns='urn:xmpp:http:upload:purpose:0'/></request>`),
  )
  expect(read.purpose).toBe('profile')
  expect(UploadRequest.read(UploadRequest.write(read)).purpose).toBe('profile')
})

test.each(["size='1'", "filename='' size='1'", "filename='a'", "filename='a' size='0'", "filename='a' size='-1'"])(
  'XEP-0363 §10: a request with %s is bad',
  (attrs) => {
    expect(() => UploadRequest.read(parse(`<request ${ns} ${attrs}/>`))).toThrow('A request for a slot needs')
  },
)

test.each(['1.5', '1e3', 'x', '9999999999999999', ''])('XEP-0363 §10: %s is no size', (size) => {
  expect(() => UploadRequest.read(parse(`<request ${ns} filename='a' size='${size}'/>`))).toThrow('needs a size')
})

test('XEP-0363 §4: a slot has two URLs', () => {
  const slot = { put: 'https://a.test/1?x', get: 'https://a.test/1' }
  expect(UploadSlot.write(slot).toString()).toBe(
    `<slot ${ns}><put url='https://a.test/1?x'/><get url='https://a.test/1'/></slot>`,
  )
  expect(UploadSlot.read(UploadSlot.write(slot))).toEqual(slot)
  expect(() => UploadSlot.read(parse(`<slot ${ns}><get url='x'/></slot>`))).toThrow('two URLs')
})

test('XEP-0363 §6: what is too large, and when to try again', () => {
  const error = fileTooLarge(20_000)
  expect([error.condition, error.type]).toEqual(['not-acceptable', 'modify'])
  expect(error.application!.toString()).toBe(
    `<file-too-large ${ns}><max-file-size>20000</max-file-size></file-too-large>`,
  )
  expect(uploadRetry(Date.UTC(2017, 11, 3, 23, 42, 5)).toString()).toBe(`<retry ${ns} stamp='2017-12-03T23:42:05Z'/>`)
})
