import { lookup as systemLookup } from 'node:dns/promises'
import type * as z from 'zod'
import type { eventFields } from '../modules/events/fields.ts'
import { reach } from '../modules/events/reach.ts'
import type { Finding, Scene } from './finding.ts'
import { closed } from './permissions.ts'

type Lookup = (name: string, options: { readonly all: true }) => Promise<readonly { readonly address: string }[]>

/** Whether the webhooks of events are at addresses that may be connected to, and nobody else has their secrets. Asks the DNS, not them. */
export async function webhooks({ config, file }: Scene, lookup: Lookup = systemLookup): Promise<Finding[]> {
  const found: Finding[] = []
  for (const [domain, { modules }] of Object.entries(config.hosts)) {
    const events = modules['events'] as z.output<typeof eventFields> | false | undefined
    if (!events) continue
    for (const [name, { url }] of Object.entries(events.webhooks))
      found.push({ title: `webhook ${name} of ${domain}`, ...(await look(new URL(url), events.networks, lookup)) })
  }
  // Their secrets stand in it.
  const open = file === undefined || found.length === 0 ? undefined : closed('configuration', file, '600')
  return open ? [...found, open] : found
}

async function look(url: URL, named: readonly string[], lookup: Lookup): Promise<Omit<Finding, 'title'>> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  let addresses: string[]
  try {
    addresses = (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return {
      level: 'warn',
      sentence: `No address was found for ${host} (${code ?? message}): check its url, and this machine's name servers.`,
    }
  }
  const mayReach = reach(named)(url)
  const [first] = addresses
  if (addresses.some(mayReach))
    return { level: 'ok', sentence: `It may be connected to at ${addresses.filter(mayReach).join(', ')}.` }
  const why =
    url.protocol === 'http:'
      ? `${first} is not connected to without TLS: use https, or, where nobody listens in,`
      : `${first} is not public: if it is meant,`
  return { level: 'fail', sentence: `${why} name its network under networks of events.` }
}
