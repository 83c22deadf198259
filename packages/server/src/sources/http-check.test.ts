import type { ServerResponse } from 'node:http'
import { ManualClock } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { userService } from './fixture.ts'
import { HttpCheck } from './http-check.ts'

const clock = new ManualClock()

async function stage(options: { isSecure?: boolean; secret?: string; ca?: string | false } = {}) {
  const service = await userService(options)
  service.users.set('romeo', 'wherefore')
  const ca = options.ca === false ? undefined : service.certificate
  const { secret } = options
  const source = new HttpCheck({ url: new URL(service.url), domain: 'home.test', secret, ca, timeout: 5000, clock })
  return { service, source }
}

test('a password is sent in the body of a POST, with the name, the host and the secret', async () => {
  const { service, source } = await stage({ secret: 'hush' })
  expect(await source.check('romeo', 'wherefore')).toBe(true)
  expect(await source.check('romeo', 'therefore')).toBe(false)
  expect(await source.check('nobody', 'wherefore')).toBe(false)
  const [first] = service.asked
  expect(first).toMatchObject({ method: 'POST', path: '/check' })
  expect(JSON.parse(first!.body)).toEqual({ username: 'romeo', host: 'home.test', password: 'wherefore' })
  expect(first!.headers).toMatchObject({ authorization: 'Bearer hush', 'content-type': 'application/json' })
})

test('whether somebody exists is asked with a GET, in which no name becomes something else', async () => {
  const { service, source } = await stage()
  expect(await source.exists('romeo')).toBe(true)
  expect(await source.exists('nobody&username=romeo')).toBe(false)
  expect(await source.exists('é#?')).toBe(false)
  expect(service.asked.map(({ path }) => path)).toEqual([
    '/check?username=romeo&host=home.test',
    '/check?username=nobody%26username%3Dromeo&host=home.test',
    '/check?username=%C3%A9%23%3F&host=home.test',
  ])
  expect(service.asked[0]!.headers.authorization).toBeUndefined()
})

test('401 is a wrong password as well', async () => {
  const { service, source } = await stage()
  service.answer = (response) => response.writeHead(401).end()
  expect(await source.check('romeo', 'wherefore')).toBe(false)
})

const answers: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['an error', (response) => response.writeHead(500).end('{"valid":true,"exists":true}')],
  ['another success', (response) => response.writeHead(204).end()],
  ['that the secret is wrong', (response) => response.writeHead(403).end('{"valid":false,"exists":false}')],
  ['a page', (response) => response.end('<h1>It works!</h1>')],
  ['something that is not quite it', (response) => response.end('{"valid":"true","exists":1}')],
  ['nothing', (response) => response.end()],
  ['a wrong path', (response) => response.writeHead(404).end('{"exists":false}')],
  ['half of it', (response) => response.write('{"valid":true,', () => response.destroy())],
  ['too much', (response) => response.end(`{"valid":true,"exists":true${' '.repeat(5000)}}`)],
]

test.each(answers)('%s says neither yes nor no', async (_, answer) => {
  const { service, source } = await stage()
  service.answer = answer
  await expect(source.check('romeo', 'wherefore')).rejects.toBeInstanceOf(Error)
  await expect(source.exists('romeo')).rejects.toBeInstanceOf(Error)
})

test('a redirection is not followed', async () => {
  const { service, source } = await stage()
  const other = await userService()
  other.users.set('romeo', 'wherefore')
  service.answer = (response) => response.writeHead(307, { location: other.url }).end()
  await expect(source.check('romeo', 'wherefore')).rejects.toThrow('307')
  expect(other.asked).toEqual([])
})

test('who does not answer in time has not answered', async () => {
  const { service, source } = await stage()
  const asked = new Promise<void>((resolve) => (service.answer = () => resolve()))
  const answer = source.exists('romeo').catch((error: Error) => error.message)
  await asked
  await clock.advance(5000)
  expect(await answer).toBe('No answer in time')
})

test('the certificate must be one of the authorities, and of that name', async () => {
  const { source } = await stage({ isSecure: true })
  expect(await source.check('romeo', 'wherefore')).toBe(true)
  const { service, source: strict } = await stage({ isSecure: true, ca: false })
  await expect(strict.check('romeo', 'wherefore')).rejects.toThrow(/self-signed/)
  expect(service.asked).toEqual([])
})
