import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { digest, stage } from './fixture.ts'

async function withFile(body: string, about: { filename?: string; contentType?: string } = {}) {
  const s = await stage()
  const slot = await s.slot(await s.login(), { size: Buffer.byteLength(body), ...about })
  const headers = about.contentType === undefined ? {} : { 'content-type': about.contentType }
  expect((await s.http('PUT', slot.put, headers, body)).status).toBe(201)
  return Object.assign(s, slot)
}

test.each([
  ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
  ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
  ['bytes=-3', 206, '789', 'bytes 7-9/10'],
  ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
  ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
  ['bytes=10-', 416, undefined, 'bytes */10'],
  ['bytes=-0', 416, undefined, 'bytes */10'],
  ['bytes=5-2', 200, '0123456789', undefined],
  ['bytes=0-1,4-5', 200, '0123456789', undefined],
  ['lines=0-1', 200, '0123456789', undefined],
  ['bytes=a-b', 200, '0123456789', undefined],
])('RFC 9110 §14.2: Range: %s is a %i', async (range, status, body, contentRange) => {
  await using s = await withFile('0123456789')
  const answer = await s.http('GET', s.get, { range })
  expect([answer.status, answer.headers['content-range']]).toEqual([status, contentRange])
  if (body !== undefined) expect([answer.body, answer.headers['content-length']]).toEqual([body, String(body.length)])
})

test('RFC 9110 §9.3.2, §13.1: HEAD, tags and conditions', async () => {
  await using s = await withFile('0123456789', { contentType: 'image/png' })
  const head = await s.http('HEAD', s.get)
  expect([head.status, head.body]).toEqual([200, ''])
  expect(head.headers).toMatchObject({ 'content-length': '10', 'content-type': 'image/png', 'accept-ranges': 'bytes' })
  const etag = head.headers.etag!
  expect((await s.http('GET', s.get, { 'if-none-match': `"x", W/${etag}` })).status).toBe(304)
  expect((await s.http('GET', s.get, { 'if-none-match': '"x"' })).status).toBe(200)
  expect((await s.http('GET', s.get, { range: 'bytes=1-', 'if-range': etag })).status).toBe(206)
  expect((await s.http('GET', s.get, { range: 'bytes=1-', 'if-range': '"x"' })).status).toBe(200)
})

test.each(['image/png', 'video/mp4', 'audio/ogg; codecs=opus', 'text/plain; charset=utf-8'])(
  'XEP-0363 §9.1: %s is shown',
  async (contentType) => {
    await using s = await withFile('x', { contentType })
    const { headers } = await s.http('GET', s.get)
    expect(headers['content-type']).toBe(contentType)
    expect(headers['content-disposition']).toBe("inline; filename*=UTF-8''a.txt")
  },
)

test.each([
  ['text/html', 'application/octet-stream'],
  ['TEXT/HTML; charset=utf-8', 'application/octet-stream'],
  ['image/svg+xml', 'application/octet-stream'],
  ['application/xhtml+xml', 'application/octet-stream'],
  ['text/xml', 'application/octet-stream'],
  ['text/javascript', 'application/octet-stream'],
  ['multipart/x-mixed-replace', 'application/octet-stream'],
  ['application/pdf', 'application/pdf'],
  ['application/zip', 'application/zip'],
  [undefined, 'application/octet-stream'],
])('XEP-0363 §9.1: %s is a download, of the type %s', async (contentType, type) => {
  await using s = await withFile('<script>alert(1)</script>', {
    ...(contentType !== undefined && { contentType }),
    filename: 'x.html',
  })
  const { headers } = await s.http('GET', s.get)
  expect(headers['content-type']).toBe(type)
  expect(headers['content-disposition']).toBe("attachment; filename*=UTF-8''x.html")
})

test('XEP-0363 §9.1: nothing that comes from here runs, is sniffed, or is framed; errors neither', async () => {
  await using s = await withFile('x')
  for (const [method, url] of [
    ['GET', s.get],
    ['HEAD', s.get],
    ['GET', `${s.get}/x`],
    ['PUT', s.put],
    ['POST', s.get],
  ] as const) {
    const { headers } = await s.http(method, url)
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
  }
})

test('XEP-0363 §8: pages of any origin may put and get, without credentials', async () => {
  await using s = await withFile('x')
  const preflight = await s.http('OPTIONS', s.put, {
    origin: 'https://web.test',
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'content-type',
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'OPTIONS, HEAD, GET, PUT, DELETE',
    'access-control-allow-headers': expect.stringContaining('Content-Type'),
  })
  const got = await s.http('GET', s.get, { origin: 'https://web.test' })
  expect(got.headers['access-control-allow-origin']).toBe('*')
  expect(got.headers['access-control-allow-credentials']).toBeUndefined()
  expect([(await s.http('POST', s.get)).status, (await s.http('POST', s.get)).headers.allow]).toEqual([
    405,
    'OPTIONS, HEAD, GET, PUT, DELETE',
  ])
})

test('a reader that does not read holds back what is read of the file, and one who leaves ends it', async () => {
  const body = 'x'.repeat(30_000_000)
  await using s = await withFile(body)
  const request = s.begin('GET', s.get)
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const [first] = (await once(response, 'data')) as [Buffer]
  response.pause()
  expect(first.length).toBeLessThan(1_000_000)
  response.on('error', () => {})
  request.destroy()
  const whole = await s.http('GET', s.get)
  expect(digest(whole.body)).toBe(digest(body))
  expect(s.lines).toEqual([])
})
