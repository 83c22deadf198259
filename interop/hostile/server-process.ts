import { createServer } from '@jackdaw/server'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import type { Orders, Size } from './hostile-server.ts'

// The server under attack: `node --expose-gc --conditions=source server-process.ts ORDERS`, where ORDERS is JSON.
const { config, accounts, domain, password, log }: Orders = JSON.parse(process.argv[2]!)
const server = await createServer(config, {
  log: pino({ level: config.log?.level ?? 'info' }, pino.destination({ dest: log, sync: true })),
})
const host = server.hosts.get(domain)!
for (const account of accounts) await host.accounts.create(Jid.of({ local: account, domain }), password)
process.send!(await server.start())

process.on('message', (order) => void obey(order as 'size' | 'stop'))
process.on('disconnect', () => process.exit())

async function obey(order: 'size' | 'stop'): Promise<void> {
  if (order === 'size') return void process.send!(await size())
  await server.stop()
  process.disconnect?.()
}

/** What the process holds once all that is garbage has gone. */
async function size(): Promise<Size> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    // Finalisers of sockets and TLS contexts run between collections.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  const mebibytes = (bytes: number) => bytes / 2 ** 20
  return {
    rss: mebibytes(rss),
    heap: mebibytes(heapUsed + external),
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
    sessions: server.sessions.size,
  }
}
