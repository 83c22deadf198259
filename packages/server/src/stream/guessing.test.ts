import { saslNs } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { authenticate, failure, opened, plain, secure } from './sasl2-fixture.ts'

const limits = { authenticationDelay: 0, authenticationAttempts: 1000 }
const guess = (name: string) => authenticate('PLAIN', Buffer.from(`\0${name}\0wrong`))

test('RFC 6120 §6.5.10: after 100 guesses from a network only those log in who have done so from there; nobody is told who they are', async () => {
  await using s = await secure({ modules: [], config: { limits } })
  s.network.address = '192.0.2.1'
  const before = await opened(s)
  before.send(plain())
  expect((await before.next()).name).toBe('success')
  s.network.address = '192.0.2.2'
  const guesser = await opened(s)
  for (let i = 0; i < 100; i++) expect(await failure(s, guesser, guess(`name${i}`))).toBe('not-authorized')
  // A right password, a wrong one, and one of nobody.
  for (const login of [plain(), guess('romeo'), guess('nobody')])
    expect(await failure(s, await opened(s), login)).toBe('temporary-auth-failure')
  s.network.address = '192.0.2.1'
  const romeo = await opened(s)
  romeo.send(plain())
  expect((await romeo.next()).name).toBe('success')
  await s.clock.advance(600_000)
  s.network.address = '192.0.2.2'
  const later = await opened(s)
  later.send(plain())
  expect((await later.next()).name).toBe('success')
})

test('after 100 guesses at an account from anywhere, its owner logs in where he has logged in before', async () => {
  await using s = await secure({ modules: [], config: { limits } })
  const home = '192.0.2.1'
  s.network.address = home
  const before = await opened(s)
  before.send(plain())
  expect((await before.next()).name).toBe('success')
  for (let i = 0; i < 100; i++) {
    s.network.address = `198.51.100.${i}`
    expect(await failure(s, await opened(s), guess('romeo'))).toBe('not-authorized')
  }
  s.network.address = '203.0.113.1'
  expect(await failure(s, await opened(s), plain())).toBe('temporary-auth-failure')
  // Others are not concerned.
  expect(await failure(s, await opened(s, 'juliet'), guess('juliet'))).toBe('not-authorized')
  s.network.address = home
  const romeo = await opened(s)
  romeo.send(plain())
  expect((await romeo.next()).name).toBe('success')
})

test('RFC 5802 §5.1: the challenge of SCRAM is the same before and after, for those who exist and those who do not', async () => {
  await using s = await secure({ modules: [], config: { limits } })
  s.network.address = '192.0.2.2'
  const salts = async () => {
    const seen: string[] = []
    for (const name of ['romeo', 'nobody']) {
      const client = await opened(s)
      client.send(`<auth xmlns='${saslNs}' mechanism='SCRAM-SHA-256'>${btoa(`n,,n=${name},r=abcdefgh`)}</auth>`)
      seen.push(/,s=([^,]+),i=\d+/.exec(atob((await client.next()).text))![0])
    }
    return seen
  }
  const before = await salts()
  const guesser = await opened(s)
  for (let i = 0; i < 100; i++) await failure(s, guesser, guess('romeo'))
  expect(await salts()).toEqual(before)
})
