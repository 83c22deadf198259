import { networks } from '../config/networks.ts'
import type { Finding, Scene } from './finding.ts'

/** What the configuration opens that is closed by default. */
export async function openings({ config, modules }: Scene): Promise<Finding[]> {
  const registration = modules.filter((module) => module.xeps?.some((xep) => xep.startsWith('XEP-0077')))
  const hosts = Object.entries(config.hosts).flatMap(([domain, host]): Finding[] => {
    const title = `host ${domain}`
    const found: string[] = []
    if (host.plaintext === 'loopback')
      found.push('Logins without TLS are allowed from this machine: remove plaintext unless this is for tests.')
    if (host.plaintext === true)
      found.push('Logins without TLS are allowed, and everybody on the way can read them: remove plaintext.')
    if (host.anonymous) found.push('Anybody may log in without an account: remove anonymous unless that is meant.')
    for (const { name } of registration) {
      if (host.modules[name] !== false)
        found.push(`Anybody may make an account: remove modules.${name} unless that is meant.`)
    }
    if (found.length === 0) return [{ title, level: 'ok', sentence: 'Only its accounts log in, over TLS.' }]
    return found.map((sentence) => ({ title, level: 'warn', sentence }))
  })
  const mayWatch = networks(config.metrics.allow)
  if (!strangers.some(mayWatch)) return hosts
  const sentence = 'Everybody may read /metrics and /health: name those networks under metrics.allow that are to.'
  return [...hosts, { title: 'metrics', level: 'warn', sentence }]
}

/** Addresses that nobody means. */
const strangers = ['192.0.2.1', '2001:db8::1']
