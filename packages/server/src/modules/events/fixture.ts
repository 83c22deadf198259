import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Actor, scenario, turn } from '@jackdaw/testkit'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'

export const key = Buffer.alloc(32, 7)
export const secret = `whsec_${key.toString('base64')}`

export interface Told {
  readonly headers: IncomingHttpHeaders
  readonly raw: string
  readonly event: {
    readonly id: string
    readonly type: string
    readonly timestamp: string
    readonly host: string
    readonly data: Record<string, unknown>
  }
}

type Answer = (response: ServerResponse, told: Told) => void

/** Gets webhooks on loopback: notes what comes once its signature has been checked, and answers as it is told to. */
export async function receiver(keys: readonly Buffer[] = [key]) {
  const received: Told[] = []
  const state: { answer: Answer; arrived: () => void } = {
    answer: (response) => void response.writeHead(204).end(),
    arrived: () => {},
  }
  const server = createServer((request, response) => {
    void text(request).then((raw) => {
      const { headers } = request
      for (const one of keys) check(headers, raw, one)
      const told = { headers, raw, event: JSON.parse(raw) }
      received.push(told)
      state.answer(response, told)
      state.arrived()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    server,
    received,
    state,
    url: `http://127.0.0.1:${port}/hook`,
    types: () => received.map(({ event }) => event.type),
    /** Resolves when so many have come in all. */
    async has(count: number): Promise<readonly Told[]> {
      while (received.length < count) await new Promise<void>((resolve) => void (state.arrived = resolve))
      return received
    },
  }
}

/** Standard Webhooks 1.0.0, verifying signatures. */
function check(headers: IncomingHttpHeaders, raw: string, one: Buffer): void {
  const [id, at, signatures] = ['id', 'timestamp', 'signature'].map((name) => String(headers[`webhook-${name}`]))
  const expected = `v1,${createHmac('sha256', one).update(`${id}.${at}.${raw}`).digest('base64')}`
  if (!signatures!.split(' ').includes(expected)) throw new Error('the signature is another one')
}

/** A host of which events are told. */
export async function stage(
  fields: Record<string, unknown>,
  accounts: Readonly<Record<string, readonly string[]>> = {},
  modules: Record<string, unknown> = {},
) {
  const lines: { msg: string; webhook?: string; reason?: string; level: number }[] = []
  const config = (of: Record<string, unknown>) => ({
    hosts: { 'home.test': { plaintext: true, modules: { events: { networks: ['loopback'], ...of }, ...modules } } },
  })
  const s = await scenario({
    accounts,
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    config: config(fields),
  })
  onTestFinished(() => s.stop())
  return {
    s,
    lines,
    client: (resource: string) => s.clients[resource] as Actor,
    metric,
    /** Resolves when a metric says so, and what was done by then has been committed. */
    async until(name: string, value: number): Promise<void> {
      while ((await metric(name)) !== value) await turn()
      await turn()
    },
    configure: (of: Record<string, unknown>) => s.server.reload(config(of)),
    audit: () => s.server.hosts.get('home.test')!.audit,
    accounts: () => s.server.hosts.get('home.test')!.accounts,
  }

  async function metric(name: string): Promise<number | undefined> {
    const found = await s.server.metrics.registry.getSingleMetric(`jackdaw_${name}`)?.get()
    return found?.values[0]?.value
  }
}
