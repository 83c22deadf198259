import { type CallService, placeOf } from '../modules/external-services.ts'
import { isPublic } from '../outbound/private-addresses.ts'
import type { Finding, Scene } from './finding.ts'
import { isLocal } from './local.ts'

/** Characters: whoever has one set of credentials can try secrets on it. */
const SHORT = 16

/** Whether the STUN and TURN servers are there of which clients are told (XEP-0215). */
export async function calls({ config, outside }: Scene): Promise<Finding[]> {
  const questions = Object.entries(config.hosts).flatMap(([domain, { modules }]) => {
    const own = modules['external-services'] as { readonly services: readonly CallService[] } | false | undefined
    return own ? own.services.map((service) => look(domain, service, outside)) : []
  })
  return (await Promise.all(questions)).flat()
}

async function look(domain: string, service: CallService, outside: Scene['outside']): Promise<Finding[]> {
  const { type, host, secret } = service
  const { port, transport } = placeOf(service)
  const title = `${type} ${host}:${port} of ${domain}`
  const found: Finding[] = []
  if (secret !== undefined && secret.length < SHORT)
    found.push({
      title,
      level: 'warn',
      sentence: `Its secret can be guessed: take one of at least ${SHORT} characters, such as openssl rand -hex 20 makes, here and there.`,
    })
  try {
    const addresses = await outside.lookup(host)
    if (!isLocal(domain) && !addresses.some(isPublic))
      found.push({
        title,
        level: 'warn',
        sentence: `Its address, ${addresses.join(', ')}, is not a public one: clients elsewhere do not reach it; name it as they do.`,
      })
    const isTls = type.endsWith('s')
    // DTLS is not spoken here.
    if (transport === 'tcp') await outside.reach({ host, port, isTls })
    else if (!isTls) await outside.stun(host, port)
    if (found.length === 0) found.push({ title, level: 'ok', sentence: 'It answers.' })
  } catch (error) {
    const why = (error as Error).message
    found.push({
      title,
      level: 'fail',
      sentence: `It does not answer, because ${why}: start it, open its port, or correct it under modules.external-services.`,
    })
  }
  return found
}
