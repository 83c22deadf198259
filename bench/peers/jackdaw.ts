import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Module, modules } from '@jackdaw/server'
import type { Kind } from './peer.ts'
import { fill } from './jackdaw-data.ts'

const address = '127.0.0.1'
const many = 1_000_000_000

/** Jackdaw, built from these sources, as `npm start` starts it. */
export const jackdaw: Kind = {
  name: 'jackdaw',
  roomLogging: 'muc#roomconfig_enablelogging',
  prepare(setting) {
    const { data, port, tlsPort, key, cert, hasFeatures, extra } = setting
    fill(join(data, 'jackdaw.db'), setting)
    // Rooms need the archive, though they keep none.
    const off = hasFeatures || extra === 'rooms' ? {} : without(['archive', 'carbons', 'stanza-id'])
    const chosen = {
      ...off,
      ...(extra === 'rooms' && { muc: { messagesPerSecond: many } }),
      ...(extra === 'search' && { archive: { fullText: true } }),
    }
    const config = {
      data,
      hosts: { localhost: { plaintext: 'loopback', certificate: { key, cert }, modules: chosen } },
      listen: { xmpp: { port, address }, xmpps: { port: tlsPort, address }, http: false, https: false },
      log: { level: 'error' },
      limits: {
        connectionsPerAddress: 100_000,
        unauthenticatedConnections: 100_000,
        stanzasPerSecond: many,
        stanzasBurst: many,
        inboundBytesPerSecond: many,
        inboundBurstBytes: many,
      },
    }
    const file = join(data, 'jackdaw.yaml')
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config))
    const root = join(import.meta.dirname, '../..')
    execFileSync(process.execPath, [join(root, 'scripts/bundle.ts')])
    return {
      file: process.execPath,
      args: [join(root, 'packages/server/dist/bundle/cli.js'), 'start', '--config', file],
    }
  },
}

/** Switches the modules off, and those that need them. */
function without(names: readonly string[]): Record<string, false> {
  const off = new Set<Module>(modules.filter(({ name }) => names.includes(name)))
  for (const needed of off)
    for (const module of modules) if (module.needs?.some((one) => one.name === needed.name)) off.add(module)
  return Object.fromEntries([...off].map(({ name }) => [name, false]))
}
