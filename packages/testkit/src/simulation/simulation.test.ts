import { defineModule, type Module } from '@jackdaw/server'
import { mamNs, rosterNs } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { simulate, type SimulationOptions } from './simulation.ts'

const few = Array.from({ length: 12 }, (_, i) => i + 1)

test('RFC 6121: every rule of the model holds, and one seed gives one trace', async () => {
  const traces = new Set<string>()
  for (const seed of few) {
    const run = await simulate({ seed })
    expect(run.violations, `npm run simulate -- --seed ${seed} --trace`).toEqual([])
    expect(run.counts.stanzas).toBeGreaterThan(10)
    expect((await simulate({ seed })).trace).toBe(run.trace)
    traces.add(run.trace)
  }
  expect(traces.size).toBe(few.length)
})

// A simulation that finds nothing proves nothing: each of these servers breaks a rule.

test('RFC 6121 §8.5: a server that drops one message in fifty is found out', async () => {
  const module = saboteur((host) => {
    let count = 0
    host.hook('message:in', 'deliver', () => (++count % 50 === 0 ? 'stop' : undefined))
  })
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §8.5: messages')
})

test('RFC 6121 §8.5: a server that delivers one message in fifty twice is found out', async () => {
  const module = saboteur((host) => {
    let count = 0
    host.hook('message:in', 'deliver', ({ stanza, recipients }) => {
      if (++count % 50 === 0) for (const target of recipients) target.deliver(stanza)
    })
  })
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §8.5: messages')
})

test('RFC 6120 §10.1: a server that lets a message be overtaken is found out', async () => {
  const module = saboteur((host) => {
    let count = 0
    host.hook('message:in', 'deliver', ({ stanza, recipients }) => {
      if (recipients.size === 0 || ++count % 10 !== 0) return
      host.clock.after(50, () => {
        for (const target of recipients) target.deliver(stanza)
      })
      return 'stop'
    })
  })
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6120 §10.1: order')
})

test('RFC 6121 §8.5: a server that keeps silent about what it refuses is found out', async () => {
  const module = saboteur((host) => {
    host.hook('message:in', 'check', ({ stanza, recipients }) =>
      stanza.type === 'groupchat' && recipients.size === 0 ? 'stop' : undefined,
    )
  })
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §8.5: errors')
})

test('RFC 6121 §4.5: a server that does not tell who has gone is found out', async () => {
  const module = holdingBack((stanza) => stanza.name === 'presence' && stanza.type === 'unavailable', 20)
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §4: presence')
})

test('XEP-0198 §5: a server whose sessions flicker after a crash is found out', async () => {
  const module = saboteur((host) => {
    host.clock.after(10, () => {
      for (const account of ['romeo@home.test', 'juliet@home.test'])
        for (const session of host.sessions(host.domain.withLocal(account.split('@')[0]!)))
          if (session.presence) host.send(session.presence.with({ type: 'unavailable', to: account }))
    })
  })
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §4: presence')
})

test('RFC 6121 §2.1.6: a server that forgets a roster push is found out', async () => {
  const module = holdingBack((stanza) => stanza.type === 'set' && stanza.first()?.ns === rosterNs, 20)
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §2: roster')
})

test('RFC 6121 §3.1.3: a server that loses a request for a subscription is found out', async () => {
  const module = saboteur((host) => {
    let count = 0
    host.hook('presence:in', 'check', ({ stanza }) =>
      stanza.type === 'subscribe' && ++count % 5 === 0 ? 'stop' : undefined,
    )
  })
  expect(await rulesBrokenBy({ modules: [module] })).toContain('RFC 6121 §3: subscription stanzas')
})

test('XEP-0313 §4: an archive in which a message is missing is found out', async () => {
  const module = holdingBack((stanza) => stanza.child('result', mamNs) !== undefined, 20)
  expect(await rulesBrokenBy({ modules: [module] })).toContain('XEP-0313: archive')
})

test('XEP-0198 §4: a server that forgets what it acknowledged when it is killed is found out', async () => {
  const rules = await rulesBrokenBy({ forgets: 3 })
  expect(rules.some((rule) => rule.startsWith('XEP-0198'))).toBe(true)
})

type Host = Parameters<Module['start']>[0]

function saboteur(start: (host: Host) => void): Module {
  return defineModule({ name: 'saboteur', start })
}

type Sent = Parameters<Parameters<Host['hook']>[2]>[0]['stanza']

/** Holds back every so manieth stanza of a kind from its session. */
function holdingBack(isMeant: (stanza: Sent) => boolean, every: number): Module {
  return saboteur((host) => {
    let count = 0
    host.hook('session:send', 'deliver', ({ stanza }) =>
      isMeant(stanza) && ++count % every === 0 ? 'stop' : undefined,
    )
  })
}

async function rulesBrokenBy(options: Omit<SimulationOptions, 'seed'>): Promise<string[]> {
  const rules = new Set<string>()
  for (const seed of few) for (const { rule } of (await simulate({ ...options, seed })).violations) rules.add(rule)
  return [...rules]
}
