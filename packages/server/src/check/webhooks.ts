import type * as z from 'zod'
import type { eventFields } from '../modules/events/fields.ts'
import { reach } from '../modules/events/reach.ts'
import type { Finding, Scene } from './finding.ts'

/** Whether the webhooks of events are at addresses that may be connected to. Asks the DNS, not them. */
export async function webhooks({ config, outside }: Scene): Promise<Finding[]> {
  const found: Finding[] = []
  for (const [domain, { modules }] of Object.entries(config.hosts)) {
    const events = modules['events'] as z.output<typeof eventFields> | false | undefined
    if (!events) continue
    for (const [name, { url }] of Object.entries(events.webhooks))
      found.push({ title: `webhook ${name} of ${domain}`, ...(await look(new URL(url), events.networks, outside)) })
  }
  return found
}

async function look(url: URL, named: readonly string[], outside: Scene['outside']): Promise<Omit<Finding, 'title'>> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  let addresses: readonly string[]
  try {
    addresses = await outside.lookup(host)
  } catch (error) {
    return { level: 'warn', sentence: `${host} is not found (${(error as Error).message}): check its url.` }
  }
  const reached = addresses.filter(reach(named)(url))
  if (reached.length > 0) return { level: 'ok', sentence: `It may be connected to at ${reached.join(', ')}.` }
  const why =
    url.protocol === 'http:'
      ? `${addresses[0]} is not connected to without TLS: use https, or, where nobody listens in,`
      : `${addresses[0]} is not public: if it is meant,`
  return { level: 'fail', sentence: `${why} name its network under networks of events.` }
}
