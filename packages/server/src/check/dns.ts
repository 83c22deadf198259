import { domainToASCII } from 'node:url'
import type { Finding, Scene, SrvRecord } from './finding.ts'
import { isLocal } from './local.ts'

const services = { xmpp: '_xmpp-client', xmpps: '_xmpps-client' } as const

/** Whether apps find each host (RFC 6120 §3.2.1, XEP-0368 §2). */
export async function dns(scene: Scene): Promise<Finding[]> {
  const questions = Object.keys(scene.config.hosts)
    .filter((domain) => !isLocal(domain))
    .flatMap((domain) => (['xmpp', 'xmpps'] as const).map((listener) => ask(scene, domain, listener)))
  return (await Promise.all(questions)).filter((finding) => finding !== undefined)
}

async function ask(
  { config, outside, resolveSrv }: Scene,
  domain: string,
  listener: 'xmpp' | 'xmpps',
): Promise<Finding | undefined> {
  const endpoint = config.listen[listener]
  if (endpoint === false) return undefined
  const name = `${services[listener]}._tcp.${domainToASCII(domain)}`
  const title = `DNS ${name}`
  let records: readonly SrvRecord[]
  try {
    records = await resolveSrv(name)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENODATA' && code !== 'ENOTFOUND')
      return {
        title,
        level: 'warn',
        sentence: `The DNS could not be asked (${code ?? message}): check this machine's name servers.`,
      }
    records = []
  }
  const record = `${name}. IN SRV 5 0 ${endpoint.port} ${domainToASCII(domain)}.`
  if (records.length === 0)
    return {
      title,
      level: 'warn',
      sentence: `There is no SRV record: unless ${domain} itself is this machine and its port the usual one, add ${record}`,
    }
  if (records.every((found) => found.name === '' || found.name === '.'))
    return {
      title,
      level: 'warn',
      sentence: `The SRV record says that there is no such service: replace it by ${record}`,
    }
  if (endpoint.port !== 0 && records.every((found) => found.port !== endpoint.port)) {
    return {
      title,
      level: 'warn',
      sentence: `The SRV record leads to port ${records[0]!.port}, and Jackdaw listens on ${endpoint.port}: unless a router translates between them, make it ${record}`,
    }
  }
  for (const { name: target } of records) {
    const trouble = await outside.lookup(target).then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (trouble !== undefined)
      return {
        title,
        level: 'warn',
        sentence: `The SRV record leads to ${target}, and ${trouble}: give it an A or AAAA record, or make it ${record}`,
      }
  }
  return {
    title,
    level: 'ok',
    sentence: `Leads to ${records.map((found) => `${found.name}:${found.port}`).join(', ')}.`,
  }
}
