import { scramCrypto } from '@jackdaw/testkit'
import { encodeBase64, fastNs, hashedTokenClient, Jid, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { authenticate, error, failure, late, opened, plain, secure, userAgent } from '../stream/sasl2-fixture.ts'

const romeo = Jid.parse('romeo@home.test')
const phone = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const token = 'HT-SHA-256-NONE'
const bind = xml('bind', 'urn:xmpp:bind:0')
const managed = bind.append(xml('enable', 'urn:xmpp:sm:3', { resume: 'true' }))
const sasl = 'urn:ietf:params:xml:ns:xmpp-sasl'

const world = () => secure({})
type World = Awaited<ReturnType<typeof world>>

const accounts = (s: World) => s.server.hosts.get('home.test')!.accounts

const saslPlain = (name: string, password: string) =>
  xml('auth', sasl, { mechanism: 'PLAIN' }, encodeBase64(Buffer.from(`\0${name}\0${password}`)))

test('RFC 6120 §6.5.2: that an account is disabled is told to who has its password, and to nobody else', async () => {
  await using s = await world()
  await accounts(s).disable(romeo)
  const right = 'the wine is red'
  expect(await failure(s, await opened(s), saslPlain('romeo', right))).toBe('account-disabled')
  expect(await failure(s, await opened(s), saslPlain('romeo', 'guessed'))).toBe('not-authorized')
  expect(await failure(s, await opened(s), saslPlain('nobody', right))).toBe('not-authorized')
  expect(await failure(s, await opened(s), plain(bind))).toBe('account-disabled')
  await expect(late(s, s.client('romeo').connect())).rejects.toMatchObject({ condition: 'account-disabled' })
  await accounts(s).enable(romeo)
  await s.login('romeo', 'phone')
})

test('XEP-0484 §3.4: a token is refused while its account is disabled, and good again afterwards', async () => {
  await using s = await world()
  const first = await opened(s)
  const success = await first.authenticate(userAgent(phone), xml('request-token', fastNs, { mechanism: token }))
  const text = success.child('token', fastNs)!.attr('token')!
  await first.close()
  const login = async () => {
    const { initial } = await hashedTokenClient(token, 'romeo', text, { bindings: new Map(), crypto: scramCrypto })
    return authenticate(token, initial, userAgent(phone), xml('fast', fastNs), bind)
  }
  await accounts(s).disable(romeo)
  expect(await failure(s, await opened(s), await login())).toBe('account-disabled')
  await accounts(s).enable(romeo)
  const again = await opened(s)
  again.send(await login())
  expect((await again.next()).name).toBe('success')
})

test('XEP-0133 §4.3: its sessions end, those that wait to be resumed too, and it stays disabled through a kill', async () => {
  await using s = await world()
  const [online, away, juliet] = [await opened(s), await opened(s), await opened(s, 'juliet')]
  for (const client of [online, away, juliet]) await client.authenticate(managed)
  await away.cut()
  await accounts(s).disable(romeo)
  await online.whenGone
  expect(online.streamError).toMatchObject({ condition: 'not-authorized' })
  expect([...s.server.sessions].map(({ account }) => account.local)).toEqual(['juliet'])
  s.crash()
  await s.start()
  expect(accounts(s).disabled()).toEqual(['romeo@home.test'])
  expect(await failure(s, await opened(s), plain(bind))).toBe('account-disabled')
  await accounts(s).enable(romeo)
  await s.login('romeo', 'phone')
})

test('XEP-0133 §4.3: disabled between the login and the binding of a resource', async () => {
  await using s = await world()
  const client = await opened(s)
  client.send(saslPlain('romeo', 'the wine is red'))
  expect((await client.next()).name).toBe('success')
  await client.loggedIn()
  await accounts(s).disable(romeo)
  expect(await error(client, `<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`)).toBe(
    'not-authorized',
  )
})

test('XEP-0133 §4.3: what comes for it is kept, and whoever writes notices nothing', async () => {
  await using s = await world()
  const juliet = await s.login('juliet', 'balcony')
  await accounts(s).disable(romeo)
  juliet.says(`<message to='romeo@home.test' type='chat'><body>wherefore</body></message>`)
  await juliet.hearsNothing()
  await accounts(s).enable(romeo)
  const client = await s.login('romeo', 'phone')
  client.comes()
  await client.awaits(`<message from='juliet@home.test/balcony'><body>wherefore</body></message>`)
})

test('XEP-0133 §4.3: who makes a removed account anew gets one that is not disabled', async () => {
  await using s = await world()
  await accounts(s).disable(romeo)
  await accounts(s).remove(romeo)
  expect(accounts(s).disabled()).toEqual([])
  await expect(accounts(s).disable(romeo)).rejects.toMatchObject({ condition: 'item-not-found' })
  await expect(accounts(s).enable(romeo)).rejects.toMatchObject({ condition: 'item-not-found' })
  await s.register('romeo')
  await s.login('romeo', 'phone')
})
