/**
 * Sends generated stanzas to a whole server in memory: for each request that anybody answers, with forms, by a user who is logged in
 * or, with `--as component`, by a component in the name of its users. No stanza may be answered with internal-server-error, none may make the server log an error, and every request has one answer.
 *
 *     npm run fuzz:stanzas -- --count 100000 --seed 1 --as component
 */
import { parseArgs } from 'node:util'
import { type Actor, type ComponentActor, type Scenario, scenario } from '@jackdaw/testkit'
import { modules } from '@jackdaw/server'
import { clientNs, type Element, write } from '@jackdaw/xmpp'
import fc from 'fast-check'
import { pino } from 'pino'
import { type Registered, stanzas } from './generate.ts'
import { readVocabulary } from './vocabulary.ts'

const { values: options } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, seed: { type: 'string' }, as: { type: 'string' } },
})
const seed = Number(options.seed ?? Date.now() % 2 ** 31)
const count = Number(options.count)
const batch = 250

const limits = { stanzasPerSecond: 1e9, stanzasBurst: 1e9, inboundBytesPerSecond: '1 GiB', inboundBurstBytes: '1 GiB' }
const gateway = 'irc.home.test'
const faults: string[] = []
const accounts = { romeo: ['orchard', 'garden'], juliet: ['balcony'] }
/** What the server has been sent since it was last found without fault. */
let sent: readonly Element[] = []

const s: Scenario = await scenario({
  accounts,
  config: {
    limits: { ...limits, component: limits },
    hosts: {
      'home.test': {
        modules: Object.fromEntries(modules.map(({ name }) => [name, true])),
        components: { [gateway]: { secret: gateway } },
      },
    },
  },
  log: pino({ level: 'error' }, { write: (line: string) => void faults.push(`the server logs ${line}`) }),
})
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(
    event,
    (error: unknown) => void faults.push(`${event}: ${error instanceof Error ? error.stack : String(error)}`),
  )

const registered = registeredAt(s)
const services = [...s.server.hosts.get('home.test')!.virtual.services].map(({ domain }) => String(domain))
const arbitrary = stanzas(readVocabulary(), registered, [
  ...[
    'romeo@home.test',
    'juliet@home.test',
    'juliet@home.test/balcony',
    'nobody@home.test',
    'home.test',
    'away.test',
    gateway,
  ],
  ...services.flatMap((domain) => [domain, `x@${domain}`, `x@${domain}/romeo`, `y@${domain}/nurse`]),
  'a@@b',
])

const component = options.as === 'component' ? s.component(gateway, gateway) : undefined
await component?.connect()
let done = 0
let client: Actor = s.clients['orchard']!
s.clients['balcony']!.comes()
while (done < count && faults.length === 0) {
  sent = fc.sample(arbitrary, { numRuns: Math.min(batch, count - done), seed: seed + done })
  if (component) await playComponent(component, sent, done)
  else {
    client = await connected(client)
    await play(client, sent, done)
  }
  done += sent.length
  await s.clock.advance(1000)
}
await s.stop()
if (faults.length > 0) {
  console.log(`seed ${seed}, among stanzas ${done - sent.length} to ${done}:\n${faults.slice(0, 10).join('\n')}`)
  process.exit(1)
}
console.log(`${done} stanzas of ${registered.length} kinds of requests, seed ${seed}: no fault`)
process.exit(0)

/** Says it all, and looks at all that is answered. */
async function play(actor: Actor, all: readonly Element[], from: number): Promise<void> {
  actor.clear()
  const waiting = new Map<string, Element>()
  for (const [index, stanza] of all.entries()) {
    const id = `f${from + index}`
    const named = stanza.with({ id })
    if (isRequest(named)) waiting.set(id, named)
    actor.send(named)
  }
  // What removes the account ends its stream.
  for (let i = 0; i < 2; i++) await Promise.race([actor.sync(), actor.whenGone])
  for (const heard of [...actor.inbox, ...s.clients['balcony']!.inbox]) {
    const id = heard.id ?? ''
    // The word itself is one of those that are generated.
    if (heard.child('error')?.child('internal-server-error', 'urn:ietf:params:xml:ns:xmpp-stanzas'))
      faults.push(`${heard}\nanswers ${all[Number(id.slice(1)) - from] ?? 'something'}`)
    if (heard.name === 'iq' && (heard.type === 'result' || heard.type === 'error')) waiting.delete(id)
  }
  s.clients['balcony']!.clear()
  if (actor.streamError?.condition === 'not-well-formed') faults.push('what was said is no XML')
  if (actor.isConnected) for (const request of waiting.values()) faults.push(`no answer to ${request}`)
}

/** The same in the name of a component's users, and in its own. */
async function playComponent(actor: ComponentActor, all: readonly Element[], from: number): Promise<void> {
  const waiting = new Map<string, Element>()
  const speakers = [`romeo@${gateway}/a`, `romeo@${gateway}`, gateway]
  for (const [index, stanza] of all.entries()) {
    const id = `f${from + index}`
    const named = stanza.with({ id, from: speakers[index % speakers.length] })
    // What it asks itself it gets itself.
    if (isRequest(named) && !named.attr('to')?.endsWith(gateway)) waiting.set(id, named)
    actor.says(write(named, clientNs))
  }
  for (let i = 0; i < 2; i++)
    for (const heard of await actor.sync()) {
      if (heard.child('error')?.child('internal-server-error', 'urn:ietf:params:xml:ns:xmpp-stanzas'))
        faults.push(`${heard}\nanswers ${all[Number(heard.attr('id')?.slice(1)) - from] ?? 'something'}`)
      if (heard.attr('type') === 'result' || heard.attr('type') === 'error') waiting.delete(heard.attr('id')!)
    }
  for (const request of waiting.values()) faults.push(`no answer to ${request}`)
}

/** Those for a session are answered by its client. */
function isRequest(stanza: Element): boolean {
  const type = stanza.attr('type')
  return stanza.name === 'iq' && (type === 'get' || type === 'set') && !stanza.attr('to')?.includes('/')
}

/** A generated request may have removed the account, or ended its stream. */
async function connected(actor: Actor): Promise<Actor> {
  if (actor.isConnected) return actor
  if (!(await s.server.hosts.get('home.test')!.accounts.exists(actor.account))) await s.register('romeo')
  return s.login('romeo', 'orchard')
}

function registeredAt({ server }: Scenario): Registered[] {
  const { virtual } = server.hosts.get('home.test')!
  const own = [...virtual.answers].map(({ type, at, payload: { name, ns } }) => {
    const to = at === 'server' ? ['home.test'] : [undefined, 'romeo@home.test', 'juliet@home.test']
    return { type, name, ns, to }
  })
  const served = [...virtual.services].flatMap(({ domain, answers }) =>
    [...answers].map(({ type, at, payload: { name, ns } }) => {
      return { type, name, ns, to: [at === 'domain' ? String(domain) : `x@${domain}`] }
    }),
  )
  return [...own, ...served]
}
