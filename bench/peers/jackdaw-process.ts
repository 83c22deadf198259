// The server that is measured: node jackdaw-process.ts OPTIONS, where OPTIONS is JSON.
import { createServer } from '@jackdaw/server'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { password } from './peer.ts'

const { data, key, cert, port, tlsPort, accounts, hasFeatures } = JSON.parse(process.argv[2]!)
const address = '127.0.0.1'
const off = hasFeatures ? {} : { archive: false, mam: false, carbons: false, offline: false, 'stanza-id': false }
const many = 1_000_000_000

const server = await createServer(
  {
    data,
    hosts: { localhost: { plaintext: 'loopback', certificate: { key, cert }, modules: off } },
    listen: { xmpp: { port, address }, xmpps: { port: tlsPort, address }, http: false, https: false },
    limits: {
      connectionsPerAddress: 100_000,
      unauthenticatedConnections: 100_000,
      stanzasPerSecond: many,
      stanzasBurst: many,
      inboundBytesPerSecond: many,
      inboundBurstBytes: many,
    },
  },
  { log: pino({ level: 'error' }) },
)
const host = server.hosts.get('localhost')!
for (let i = 0; i < accounts; i++) await host.accounts.create(Jid.parse(`u${i}@localhost`), password)
await server.start()
