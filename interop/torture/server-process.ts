import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { createServer, MemoryJournalStore } from '@jackdaw/server'
import { scramCrypto } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { type Moment, prepareDeath } from './die-at-commit.ts'
import type { ServerOptions } from './killable-server.ts'

// The server that is killed: `node --conditions=source server-process.ts OPTIONS`, where OPTIONS is JSON.
const { data, ports, accounts, domain, password, journal, isFirst, modules }: ServerOptions & { isFirst: boolean } =
  JSON.parse(process.argv[2]!)
const at = (port: number) => ({ port, address: '127.0.0.1' })
const saltOfAll = Buffer.alloc(16, 1)
let isCreating = true
const dieAtCommit = prepareDeath()

const server = await createServer(
  {
    data,
    hosts: { [domain]: { plaintext: 'loopback', ...(modules && { modules }) } },
    listen: { xmpp: at(ports.xmpp), xmpps: at(ports.xmpps), http: at(ports.http), https: false },
  },
  {
    log: pino({ level: 'info' }, pino.destination({ dest: join(data, 'server.log'), sync: true, mkdir: true })),
    ...(!journal && { journalStore: new MemoryJournalStore() }),
    // With one salt for all, the keys of the one password are derived once.
    crypto: {
      ...scramCrypto,
      hash: (name, bytes) => scramCrypto.hash(name, bytes) as Uint8Array,
      hmac: (name, key, bytes) => scramCrypto.hmac(name, key, bytes) as Uint8Array,
      random: (size) => (isCreating ? saltOfAll.subarray(0, size) : scramCrypto.random(size)),
      equal: (a, b) => Buffer.compare(a, b) === 0,
    },
  },
)
if (isFirst || !journal) {
  const host = server.hosts.get(domain)!
  for (const account of accounts) await host.accounts.create(Jid.of({ local: account, domain }), password)
}
isCreating = false
await server.start()
process.send!('listening')
// Killed, it would never be written.
if (isFirst) flushCompileCache()
process.on('message', (moment: Moment) => {
  dieAtCommit(moment)
  process.send!('armed')
})
// Nobody is left who could kill it.
process.on('disconnect', () => process.exit())
