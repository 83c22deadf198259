import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from 'jose'
import { ConfigError } from '../config/problem.ts'
import { isShared, isUrl, type BearerConfig } from '../config/bearer.ts'

/** Finds the key of a token among the issuer's. What the token itself says of keys (`jku`, `jwk`, `x5u`) is not looked at. */
export type BearerKeys = () => Promise<JWTVerifyGetKey>

/** Reads a file at once; a URL when the first token comes, and again for a key that is new, at most every 30 s. @throws ConfigError */
export function openKeys({ keys, algorithms }: BearerConfig): BearerKeys {
  if (isUrl(keys))
    return once(async () => (await import('jose')).createRemoteJWKSet(new URL(keys), { timeoutDuration: 5000 }))
  const set = readSet(keys)
  const [first] = set.keys
  const isSecret = set.keys.some(({ kty }) => kty === 'oct')
  if (isSecret !== isShared(algorithms[0]!) || (isSecret && set.keys.length > 1))
    throw new ConfigError(`the keys of tokens in ${keys} are not for ${algorithms.join(', ')}: set bearer.algorithms`)
  if (!isSecret)
    return once(async () => {
      const find = (await import('jose')).createLocalJWKSet(set)
      // One key without a name is meant, whatever name the issuer has for it.
      return set.keys.length === 1 && first!.kid === undefined ? ({ alg }) => find({ alg }) : find
    })
  return once(async () => {
    const secret = Buffer.from(first!.k ?? '', 'base64url')
    return async () => secret
  })
}

function readSet(file: string): JSONWebKeySet {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.trimStart().startsWith('-')) return { keys: [createPublicKey(text).export({ format: 'jwk' }) as JWK] }
    const json = JSON.parse(text) as Partial<JSONWebKeySet> & JWK
    const keys = json.keys ?? [json]
    if (!keys.every((key) => typeof key.kty === 'string') || keys.length === 0) throw new Error('it holds no key')
    return { keys }
  } catch (error) {
    throw new ConfigError(`the keys of tokens cannot be read from ${file} (${(error as Error).message})`, {
      cause: error,
    })
  }
}

function once(make: () => Promise<JWTVerifyGetKey>): BearerKeys {
  let made: Promise<JWTVerifyGetKey> | undefined
  return () => (made ??= make())
}
