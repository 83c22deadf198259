import { statSync } from 'node:fs'
import { openKeys } from '../bearer/keys.ts'
import { type BearerConfig, isShared, isUrl } from '../config/bearer.ts'
import { ConfigError } from '../config/problem.ts'
import type { Finding, Scene } from './finding.ts'
import { closed } from './permissions.ts'

/** RFC 7518 §3.2: a key as long as the shortest hash. Bytes. */
const shortestSecret = 32

/** Whether the keys can be had with which a product signs its tokens. */
export async function bearer({ config, outside }: Scene): Promise<Finding[]> {
  const hosts = Object.entries(config.hosts)
  const found = hosts.map(async ([domain, { bearer: own }]): Promise<Finding[]> => {
    if (own === undefined) return []
    const title = `tokens of ${domain}`
    try {
      const findings = isUrl(own.keys) ? await remote(own, outside) : local(own)
      return findings.map((finding) => ({ title, ...finding }))
    } catch (error) {
      const why = (error as Error).message
      const remedy = isUrl(own.keys) ? `: until they can be had from ${own.keys}, nobody logs in with a token` : ''
      return [{ title, level: 'fail', sentence: `${why[0]!.toUpperCase()}${why.slice(1)}${remedy}.` }]
    }
  })
  return (await Promise.all(found)).flat()
}

async function remote(
  { keys, algorithms }: BearerConfig,
  outside: Scene['outside'],
): Promise<Omit<Finding, 'title'>[]> {
  const { status, text } = await outside.ask(keys).catch((error: Error) => {
    throw new Error(`the issuer's keys cannot be had, because ${error.message}`)
  })
  if (status !== 200) throw new Error(`the issuer answers HTTP ${status} to who asks for its keys`)
  const kinds = kindsIn(text)
  if (kinds.length === 0) throw new Error('what the issuer gives is no JWK set with keys')
  const wanted = new Set(algorithms.map(kindOf))
  const fitting = kinds.filter((kind) => wanted.has(String(kind))).length
  if (fitting === 0) throw new Error(`none of the issuer's keys is one for ${algorithms.join(', ')}`)
  return [{ level: 'ok', sentence: `The issuer has ${fitting} ${fitting === 1 ? 'key' : 'keys'} at ${keys}.` }]
}

function kindsIn(text: string): unknown[] {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown }
    return Array.isArray(keys) ? keys.map((key: { kty?: unknown } | null) => key?.kty) : []
  } catch {
    return []
  }
}

function kindOf(algorithm: string): string {
  return algorithm.startsWith('ES') ? 'EC' : algorithm === 'EdDSA' ? 'OKP' : 'RSA'
}

/** @throws ConfigError */
function local(own: BearerConfig): Omit<Finding, 'title'>[] {
  openKeys(own)
  const isSecret = isShared(own.algorithms[0]!)
  const open = isSecret ? closed('', own.keys, '600') : undefined
  if (open) return [open]
  if (isSecret && statSync(own.keys).size < shortestSecret)
    throw new ConfigError(`the secret in ${own.keys} can be guessed: take one of at least ${shortestSecret} bytes`)
  return [{ level: 'ok', sentence: `The keys in ${own.keys} can be used.` }]
}
