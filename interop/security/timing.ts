// npm run security:timing -- [--rounds 400]: whether the time of an answer tells which accounts there are.
import { parseArgs } from 'node:util'
import { encodeBase64 } from '@jackdaw/xmpp'
import { HostileServer } from '../hostile/hostile-server.ts'
import { nextAddress, Peer } from '../hostile/peer.ts'

const { rounds: text } = parseArgs({ options: { rounds: { type: 'string', default: '400' } } }).values
const rounds = Number(text)
const names = Array.from({ length: 8 }, (_, at) => `known${at}`)
const limits = { authenticationDelay: 0, authenticationAttempts: 1_000_000 }
const server = await HostileServer.start(names, {
  limits,
  hosts: { localhost: { modules: { register: { perAddress: 1_000_000, perHost: 1_000_000 } } } },
})

const sasl = 'urn:ietf:params:xml:ns:xmpp-sasl'
const base64 = (said: string) => encodeBase64(Buffer.from(said))
const auth = (mechanism: string, said: string) =>
  `<auth xmlns='${sasl}' mechanism='${mechanism}'>${base64(said)}</auth>`
const authenticate = (mechanism: string, said: string, more = '') =>
  `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='${mechanism}'><initial-response>${base64(said)}</initial-response>${more}</authenticate>`
const agent = `<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/><fast xmlns='urn:xmpp:fast:0'/>`

/** What is asked, and what comes back; the name is of somebody or of nobody. */
const questions: Readonly<Record<string, (name: string) => readonly [ask: string, answer: string]>> = {
  'PLAIN, wrong password': (name) => [auth('PLAIN', `\0${name}\0wrong`), 'failure'],
  'SCRAM-SHA-256, first message': (name) => [auth('SCRAM-SHA-256', `n,,n=${name},r=abcdefgh`), 'challenge'],
  'SCRAM-SHA-1, first message': (name) => [auth('SCRAM-SHA-1', `n,,n=${name},r=abcdefgh`), 'challenge'],
  'SASL2 PLAIN, wrong password': (name) => [authenticate('PLAIN', `\0${name}\0wrong`), 'failure'],
  'FAST, wrong token': (name) => [authenticate('HT-SHA-256-NONE', `${name}\0${'x'.repeat(32)}`, agent), 'failure'],
}

interface Sample {
  readonly known: number[]
  readonly unknown: number[]
}

const rows: string[] = []
for (const [what, question] of Object.entries(questions)) rows.push(verdict(what, await sample(question)))
rows.push(verdict('SCRAM-SHA-256, wrong proof', await sampleProof()))
console.log('| exchange | known, median µs | unknown, median µs | difference | Mann–Whitney z | p |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const row of rows) console.log(row)
await server.stop()

/** Turn about, in an order that is drawn: what the machine does otherwise hits both alike. A name of nobody is another each time. */
async function sample(question: (name: string) => readonly [string, string]): Promise<Sample> {
  const taken: Sample = { known: [], unknown: [] }
  const peer = await reached()
  for (let round = -20; round < rounds; round++)
    for (const isKnown of Math.random() < 0.5 ? [true, false] : [false, true]) {
      const name = isKnown ? names[round & 7]! : `nobody${round & 7}`
      const [ask, answer] = question(name)
      peer.forget()
      const start = process.hrtime.bigint()
      peer.write(ask)
      await peer.hears(answer)
      const time = Number(process.hrtime.bigint() - start) / 1000
      if (round >= 0) (isKnown ? taken.known : taken.unknown).push(time)
    }
  peer.vanish()
  return taken
}

/** The second step of SCRAM alone. */
async function sampleProof(): Promise<Sample> {
  const taken: Sample = { known: [], unknown: [] }
  const peer = await reached()
  for (let round = -20; round < rounds; round++)
    for (const isKnown of Math.random() < 0.5 ? [true, false] : [false, true]) {
      const name = isKnown ? names[round & 7]! : `nobody${round & 7}`
      peer.forget()
      peer.write(auth('SCRAM-SHA-256', `n,,n=${name},r=abcdefgh`))
      const challenge = Buffer.from((await peer.hears('challenge'))!.text, 'base64').toString()
      const nonce = /^r=([^,]+)/.exec(challenge)![1]!
      const start = process.hrtime.bigint()
      peer.write(`<response xmlns='${sasl}'>${base64(`c=biws,r=${nonce},p=${base64('x'.repeat(32))}`)}</response>`)
      await peer.hears('failure')
      const time = Number(process.hrtime.bigint() - start) / 1000
      if (round >= 0) (isKnown ? taken.known : taken.unknown).push(time)
    }
  peer.vanish()
  return taken
}

async function reached(): Promise<Peer> {
  const peer = await Peer.connect('tls', server.ports, 'known0', nextAddress())
  await peer.reach('header')
  return peer
}

function verdict(what: string, { known, unknown }: Sample): string {
  const [a, b] = [median(known), median(unknown)]
  const z = mannWhitney(known, unknown)
  return `| ${what} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(a - b).toFixed(1)} µs | ${z.toFixed(2)} | ${twoSided(z).toFixed(3)} |`
}

function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[values.length >> 1]!
}

/** The rank-sum statistic of two samples, as a standard normal deviate. */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))]
  all.sort((x, y) => x.value - y.value)
  const ranks = all.reduce((sum, { isA }, at) => sum + (isA ? at + 1 : 0), 0)
  const [n, m] = [a.length, b.length]
  return (ranks - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
}

/** The chance of a deviate at least as large (Abramowitz and Stegun 7.1.26). */
function twoSided(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  return poly * Math.exp(-x * x)
}
