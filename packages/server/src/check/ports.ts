import { createServer } from 'node:net'
import { hasComponents } from '../config/components.ts'
import { ListenError } from '../transport/network.ts'
import type { Endpoint } from '../transport/network.ts'
import type { Finding, Scene } from './finding.ts'

/** Whether each port can be had, or is held by the server itself. */
export async function ports({ config, running }: Scene): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [name, endpoint] of Object.entries(config.listen)) {
    if (endpoint === false || (name.startsWith('component') && !hasComponents(config.hosts))) continue
    const title = `port ${endpoint.port} (${name})`
    if (
      running?.some(
        (listener) => listener.name === name && (listener.port === endpoint.port || endpoint.port === 0),
      ) === true
    ) {
      findings.push({ title, level: 'ok', sentence: 'The running server listens there.' })
      continue
    }
    const trouble = await tryPort(endpoint)
    findings.push(
      trouble === undefined
        ? { title, level: 'ok', sentence: endpoint.port === 0 ? 'The system chooses one.' : 'It is free.' }
        : { title, level: 'fail', sentence: trouble.message },
    )
  }
  return findings
}

async function tryPort(endpoint: Endpoint): Promise<ListenError | undefined> {
  const error = await listenOnce(endpoint)
  if (error === undefined) return undefined
  // Without IPv6 the server takes IPv4 instead.
  if (endpoint.address === '::' && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL'))
    return tryPort({ ...endpoint, address: '0.0.0.0' })
  return new ListenError(endpoint, error)
}

function listenOnce({ port, address }: Endpoint): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
