import { defineModule, type Module } from '@jackdaw/server'
import { Jid, mamNs, rosterNs } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { simulate, type SimulationOptions } from './simulation.ts'

const few = Array.from({ length: 20 }, (_, i) => i + 1)

test('RFC 6121: every rule of the model holds, and one seed gives one trace', { timeout: 60_000 }, async () => {
  const traces = new Set<string>()
  for (const seed of few) {
    const run = await simulate({ seed })
    expect(run.violations, `npm run simulate -- --seed ${seed} --trace`).toEqual([])
    expect(run.counts.stanzas).toBeGreaterThan(10)
    if (seed <= 5) expect((await simulate({ seed })).trace).toBe(run.trace)
    traces.add(run.trace)
  }
  expect(traces.size).toBe(few.length)
})

// A simulation that finds nothing proves nothing: each of these servers breaks a rule.

test('RFC 6121 §8.5: a server that drops one message in fifty is found out', async () => {
  const isDue = every(50)
  const module = saboteur((host) => {
    host.hook('message:in', 'deliver', () => (isDue() ? 'stop' : undefined))
  })
  await expectFound({ modules: [module] }, 'RFC 6121 §8.5: messages')
})

test('RFC 6121 §8.5: a server that delivers one message in fifty twice is found out', async () => {
  const isDue = every(50)
  const module = saboteur((host) => {
    host.hook('message:in', 'deliver', ({ stanza, recipients }) => {
      if (isDue()) for (const target of recipients) target.deliver(stanza)
    })
  })
  await expectFound({ modules: [module] }, 'RFC 6121 §8.5: messages')
})

test('RFC 6120 §10.1: a server that lets a message be overtaken is found out', async () => {
  const isDue = every(10)
  const module = saboteur((host) => {
    host.hook('message:in', 'deliver', ({ stanza, recipients }) => {
      if (recipients.size === 0 || !isDue()) return
      host.clock.after(50, () => {
        for (const target of recipients) target.deliver(stanza)
      })
      return 'stop'
    })
  })
  await expectFound({ modules: [module] }, 'RFC 6120 §10.1: order')
})

test('RFC 6121 §8.5: a server that keeps silent about what it refuses is found out', async () => {
  const module = saboteur((host) => {
    host.hook('message:in', 'check', ({ stanza, recipients }) =>
      stanza.type === 'groupchat' && recipients.size === 0 ? 'stop' : undefined,
    )
  })
  await expectFound({ modules: [module] }, 'RFC 6121 §8.5: errors')
})

test('RFC 6121 §4.5: a server that does not tell who has gone is found out', async () => {
  const module = holdingBack((stanza) => stanza.name === 'presence' && stanza.type === 'unavailable', 20)
  await expectFound({ modules: [module] }, 'RFC 6121 §4: presence')
})

test('XEP-0198 §5: a server whose sessions flicker when it starts again is found out', async () => {
  const module = saboteur((host) => {
    host.clock.after(10, () => {
      for (const local of ['romeo', 'juliet', 'mercutio']) {
        const account = Jid.of({ local, domain: host.domain.domain })
        for (const { presence } of host.sessions(account))
          if (presence) host.send(presence.with({ type: 'unavailable', to: account.toString() }))
      }
    })
  })
  await expectFound({ modules: [module] }, 'RFC 6121 §4: presence')
})

test('RFC 6121 §2.1.6: a server that forgets a roster push is found out', async () => {
  const module = holdingBack((stanza) => stanza.type === 'set' && stanza.first()?.ns === rosterNs, 20)
  await expectFound({ modules: [module] }, 'RFC 6121 §2: roster')
})

test('RFC 6121 §3.1.3: a server that loses a request for a subscription is found out', async () => {
  const module = saboteur((host) => {
    let count = 0
    host.hook('presence:in', 'check', ({ stanza }) =>
      stanza.type === 'subscribe' && ++count % 5 === 0 ? 'stop' : undefined,
    )
  })
  await expectFound({ modules: [module] }, 'RFC 6121 §3: subscription stanzas')
})

test('XEP-0313 §4: an archive in which a message is missing is found out', async () => {
  const module = holdingBack((stanza) => stanza.child('result', mamNs) !== undefined, 20)
  await expectFound({ modules: [module] }, 'XEP-0313: archive')
})

test('XEP-0198 §4: a server that forgets what it acknowledged when it is killed is found out', async () => {
  await expectFound({ forgets: 3 }, 'XEP-0198 §5: h')
})

type Host = Parameters<Module['start']>[0]

function saboteur(start: (host: Host) => void): Module {
  return defineModule({ name: 'saboteur', start })
}

type Sent = Parameters<Parameters<Host['hook']>[2]>[0]['stanza']

/** Holds back every so manieth stanza of a kind from its session. */
function holdingBack(isMeant: (stanza: Sent) => boolean, nth: number): Module {
  const isDue = every(nth)
  return saboteur((host) => {
    host.hook('session:send', 'deliver', ({ stanza }) => (isMeant(stanza) && isDue() ? 'stop' : undefined))
  })
}

/** True every so manieth time. */
function every(nth: number): () => boolean {
  let count = 0
  return () => ++count % nth === 0
}

async function expectFound(options: Omit<SimulationOptions, 'seed'>, rule: string): Promise<void> {
  const broken = new Set<string>()
  for (let seed = 1; seed <= 50 && !broken.has(rule); seed++)
    for (const violation of (await simulate({ ...options, seed })).violations) broken.add(violation.rule)
  expect([...broken]).toContain(rule)
}
