import { defineModule } from '@jackdaw/server'
import { scenario, turn } from '@jackdaw/testkit'
import { expect, test } from 'vitest'

/** A module that makes each message wait until it is let go. */
function gate() {
  let letGo!: () => void
  let arrived!: () => void
  const waited = new Promise<void>((resolve) => (arrived = resolve))
  const gone = new Promise<void>((resolve) => (letGo = resolve))
  const module = defineModule({
    name: 'gate',
    start: (host) =>
      host.hook('message:out', 'check', () => {
        arrived()
        return gone
      }),
  })
  return { module, waited, letGo }
}

const accounts = { romeo: ['phone'], juliet: ['balcony'] }

test.each(['the connection was cut', 'another connection takes over'])(
  'XEP-0198 §5: a stanza that was being handled when %s is counted, and handled once',
  async (how) => {
    const { module, waited, letGo } = gate()
    await using play = await scenario({ modules: [module], accounts, resume: true })
    const { phone, balcony } = play
    phone.says("<message to='juliet@home.test/balcony'><body>one</body></message>")
    await waited
    let returning = phone
    if (how === 'the connection was cut') await phone.cut()
    else {
      // The same client, on a connection of which the first one knows nothing.
      returning = play.client('romeo', 'phone')
      returning.resumption = phone.resumption
    }
    await returning.open()
    await returning.login()
    const resumed = returning.resumeOrBind()
    // The request has reached the server.
    for (let i = 0; i < 3; i++) await turn()
    letGo()
    expect(await resumed).toBe('resumed')
    if (returning === phone) expect([phone.acknowledged, phone.unacknowledged]).toEqual([1, 0])
    else expect(returning.acknowledged).toBe(1)
    await balcony.hears("<message from='romeo@home.test/phone'><body>one</body></message>")
    await balcony.hearsNothing()
  },
)
