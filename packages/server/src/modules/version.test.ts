import { type } from 'node:os'
import { scenario } from '@jackdaw/testkit'
import { SoftwareVersion } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { version } from './version.ts'

const accounts = { romeo: ['phone'] }
const request = "<iq type='get' to='home.test'><query xmlns='jabber:iq:version'/></iq>"

test('XEP-0092 §2: the server tells its name and version, and no operating system', async () => {
  await using s = await scenario({ accounts, modules: [version] })
  const answer = await s.phone.asks(request)
  expect(SoftwareVersion.read(answer.first())).toEqual({ name: 'Jackdaw', version: manifest.version, os: undefined })
})

test('XEP-0092 §5: the operating system is told where the configuration says so', async () => {
  await using s = await scenario({
    accounts,
    modules: [version],
    config: { hosts: { 'home.test': { modules: { version: { os: true } } } } },
  })
  const answer = await s.phone.asks(request)
  expect(SoftwareVersion.read(answer.first()).os).toContain(type())
})
