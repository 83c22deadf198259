// npm run bench -- [--peers prosody,ejabberd] [--pairs 250] [--seconds 5] [--logins 300] [--idle 1000] [--runs 3]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Certificates } from '../packages/server/src/transport/certificate.ts'
import { systemClock } from '@jackdaw/server'
import { pino } from 'pino'
import { startEjabberd } from './peers/ejabberd.ts'
import { startJackdaw } from './peers/jackdaw.ts'
import type { Peer, PeerOptions, StartPeer } from './peers/peer.ts'
import { startProsody } from './peers/prosody.ts'
import { chat } from './work/chat.ts'
import { idle } from './work/idle.ts'
import { logins } from './work/logins.ts'

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '' },
    pairs: { type: 'string', default: '250' },
    seconds: { type: 'string', default: '5' },
    logins: { type: 'string', default: '300' },
    idle: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
  },
})
const [pairs, seconds, loginCount, idleCount, runs] = [
  values.pairs,
  values.seconds,
  values.logins,
  values.idle,
  values.runs,
].map(Number) as [number, number, number, number, number]

const servers: Readonly<Record<string, StartPeer>> = {
  jackdaw: startJackdaw,
  prosody: startProsody,
  ejabberd: startEjabberd,
}
const names = ['jackdaw', ...values.peers.split(',').filter((name) => name !== '')]
/** The servers have a core of their own, the load has the other. */
const serverCore = 1
spawnSync('taskset', ['-a', '-p', '-c', '0', String(process.pid)])

const folder = mkdtempSync(join(tmpdir(), 'jackdaw-bench-'))
const certificates = await Certificates.open({
  folder,
  hosts: [{ domain: 'localhost' }],
  minVersion: 'TLSv1.2',
  clock: systemClock,
  log: pino({ level: 'silent' }),
})
certificates.close()

/** Work → server → the figures of all runs. */
const results = new Map<string, Map<string, number[]>>()
function note(work: string, server: string, figure: number): void {
  const row = results.get(work) ?? new Map<string, number[]>()
  results.set(work, row)
  row.set(server, [...(row.get(server) ?? []), figure])
}

const plain = { isTls: false, isManaged: false }
const secure = { isTls: true, isManaged: false }

for (let run = 0; run < runs; run++) {
  for (const name of names) {
    await measured(name, run, false, async (peer) => {
      await chatOf(name, peer, 'chat, plaintext', plain)
      await chatOf(name, peer, 'chat, TLS', secure)
      note('login, plaintext: CPU ms', name, await logins(peer, loginCount, plain))
      note('login, TLS: CPU ms', name, await logins(peer, loginCount, secure))
    })
    await measured(name, run, false, async (peer) =>
      note('idle session, plaintext: kB', name, await idle(peer, idleCount, plain)),
    )
    await measured(name, run, false, async (peer) =>
      note('idle session, TLS: kB', name, await idle(peer, idleCount, secure)),
    )
    await measured(name, run, true, async (peer) => {
      const managed = { isManaged: true }
      await chatOf(name, peer, 'chat with archive, carbons, acks, plaintext', { ...plain, ...managed })
      await chatOf(name, peer, 'chat with archive, carbons, acks, TLS', { ...secure, ...managed })
    })
  }
}
rmSync(folder, { recursive: true })
print()

async function measured(
  name: string,
  run: number,
  hasFeatures: boolean,
  work: (peer: Peer) => Promise<void>,
): Promise<void> {
  const data = join(folder, `${name}-${run}-${results.size}-${Math.floor(performance.now())}`)
  const accounts = Math.max(pairs * 2, loginCount, idleCount)
  const options: PeerOptions = {
    data,
    key: join(folder, 'localhost.key'),
    cert: join(folder, 'localhost.crt'),
    core: serverCore,
    hasFeatures,
    accounts,
  }
  const peer = await servers[name]!(options)
  try {
    await work(peer)
  } finally {
    await peer.process.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

async function chatOf(name: string, peer: Peer, work: string, link: typeof plain): Promise<void> {
  const { cpu, rate, load } = await chat(peer, pairs, seconds, link)
  note(`${work}: CPU µs a message`, name, cpu)
  note(`${work}: messages/s`, name, rate)
  console.error(`${name}: ${work}: ${cpu.toFixed(0)} µs, ${rate.toFixed(0)}/s, load ${(load * 100).toFixed(0)} % busy`)
}

/** Medians, and the range where there are several runs. */
function print(): void {
  console.log(`| work | ${names.join(' | ')} |`)
  console.log(`|---|${names.map(() => '---').join('|')}|`)
  for (const [work, row] of results)
    console.log(`| ${work} | ${names.map((name) => cell(row.get(name) ?? [])).join(' | ')} |`)
}

function cell(figures: readonly number[]): string {
  const sorted = [...figures].sort((a, b) => a - b)
  const shown = (figure: number) => (figure >= 100 ? figure.toFixed(0) : figure.toFixed(2))
  const median = shown(sorted[Math.floor(sorted.length / 2)] ?? NaN)
  return sorted.length > 1 ? `${median} (${shown(sorted[0]!)}–${shown(sorted.at(-1)!)})` : median
}
