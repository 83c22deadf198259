import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { SaslError } from '../src/errors.ts'
import {
  type Awaitable,
  deriveKeys,
  hashLength,
  type HashName,
  type ScramKeys,
  type ServerScramCrypto,
} from '../src/sasl/crypto.ts'
import type {
  ClientContext,
  ClientMechanism,
  Credentials,
  ServerContext,
  ServerMechanism,
  ServerStep,
} from '../src/sasl/sasl.ts'

const nodeName = (name: HashName): string => name.replace('-', '')

export const nodeCrypto: ServerScramCrypto = {
  hash: (name, data) => createHash(nodeName(name)).update(data).digest(),
  hmac: (name, key, data) => createHmac(nodeName(name), key).update(data).digest(),
  pbkdf2: (name, password, salt, iterations) =>
    pbkdf2Sync(password, salt, iterations, hashLength[name], nodeName(name)),
  random: (length) => new Uint8Array(randomBytes(length)),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
}

const plusNames = ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']
export const exporter = new Map([['tls-exporter', new Uint8Array(32).fill(7)]])

/** A server on TLS which offers channel binding exactly when it is given bindings. */
export function serverContext(changes: Partial<ServerContext> = {}): ServerContext {
  const { bindings = new Map() } = changes
  return {
    tls: true,
    certificate: false,
    offered: [...(bindings.size > 0 ? plusNames : []), 'SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
    identities: [],
    crypto: nodeCrypto,
    secret: new Uint8Array(32).fill(1),
    iterations: 4096,
    hashes: ['SHA-256'],
    ...changes,
    bindings,
  }
}

export function clientContext(changes: Partial<ClientContext> = {}): ClientContext {
  const { bindings = new Map() } = changes
  const { tls, certificate, offered } = serverContext({ bindings })
  return { tls, certificate, offered, crypto: nodeCrypto, ...changes, bindings }
}

/** The accounts by name and password, with keys for one hash and a salt of 16 times 5. */
export async function accounts(
  hash: HashName,
  passwords: Record<string, string>,
  crypto = nodeCrypto,
): Promise<Credentials> {
  const keys = new Map<string, ScramKeys>()
  for (const [name, password] of Object.entries(passwords)) {
    keys.set(name, await deriveKeys(hash, password, new Uint8Array(16).fill(5), 4096, crypto))
  }
  return { scram: (name, asked) => (asked === hash ? keys.get(name) : undefined) }
}

/** Runs both sides against each other; `tamper` sees every message, numbered from 0. Returns the server's success. */
export async function exchange(
  client: ClientMechanism,
  server: ServerMechanism,
  tamper: (message: Uint8Array, number: number) => Uint8Array = (message) => message,
): Promise<{ username: string; authzid?: string | undefined }> {
  let number = 0
  let message = client.initial()
  for (;;) {
    const step = await server.step(tamper(message, number++))
    if ('success' in step) {
      const { additional: last, ...success } = step.success
      client.finish(last && tamper(last, number))
      return success
    }
    message = await client.step(tamper(step.challenge, number++))
  }
}

/** A server's step that must be a challenge. */
export async function challenge(step: Awaitable<ServerStep>): Promise<Uint8Array> {
  const answer = await step
  if ('challenge' in answer) return answer.challenge
  throw new Error('no challenge')
}

/** The additional data of a server's step that must be a success. */
export async function additional(step: Awaitable<ServerStep>): Promise<Uint8Array> {
  const answer = await step
  if ('success' in answer && answer.success.additional) return answer.success.additional
  throw new Error('no success')
}

/** The SASL failure in which an exchange must end. */
export async function failure(run: () => unknown): Promise<{ condition: string; text: string | undefined }> {
  try {
    await run()
  } catch (error) {
    if (error instanceof SaslError) return { condition: error.condition, text: error.text }
    throw error
  }
  throw new Error('it did not fail')
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (data: Uint8Array): string => new TextDecoder().decode(data)
