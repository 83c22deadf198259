import { saslprep } from '../precis/saslprep.ts'
import { utf8 } from './message.ts'

export type Awaitable<T> = T | Promise<T>

export type HashName = 'SHA-1' | 'SHA-256' | 'SHA-512'

/** In bytes. */
export const hashLength: Readonly<Record<HashName, number>> = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 }

/** The cryptography that SASL needs, handed in by the runtime: WebCrypto answers with promises, Node without. */
export interface ScramCrypto {
  hash(name: HashName, data: Uint8Array): Awaitable<Uint8Array>
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Awaitable<Uint8Array>
  /** PBKDF2 with HMAC; the result is `hashLength` long (RFC 5802 §2.2, `Hi`). */
  pbkdf2(name: HashName, password: Uint8Array, salt: Uint8Array, iterations: number): Awaitable<Uint8Array>
  /** Unpredictable bytes. */
  random(length: number): Uint8Array
}

/** What a server needs: hashing that answers at once, so that a SCRAM exchange waits for nothing but its credentials. */
export interface ServerScramCrypto extends ScramCrypto {
  hash(name: HashName, data: Uint8Array): Uint8Array
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array
  /** Compares in a time that tells nothing about the contents; the lengths may differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean
}

/** All that a server stores of a password (RFC 5802 §3): with it nobody can log in, nor without the password get it. */
export interface ScramKeys {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** What a client may keep instead of the password; it opens the account, for this hash, salt and iteration count. */
export interface ScramClientKeys {
  readonly hash: HashName
  readonly salt: Uint8Array
  readonly iterations: number
  readonly clientKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** The keys to store for a password (RFC 5802 §3). Throws what `saslprep` throws for a password that it forbids. */
export async function deriveKeys(
  hash: HashName,
  password: string,
  salt: Uint8Array,
  iterations: number,
  crypto: ScramCrypto,
): Promise<ScramKeys> {
  return keysOf(hash, await saltPassword(hash, password, salt, iterations, crypto), salt, iterations, crypto)
}

/** SaltedPassword (RFC 5802 §3): all that opens the account, but for its password. Throws what `saslprep` throws. */
export async function saltPassword(
  hash: HashName,
  password: string,
  salt: Uint8Array,
  iterations: number,
  crypto: ScramCrypto,
): Promise<Uint8Array> {
  return crypto.pbkdf2(hash, utf8(saslprep(password)), salt, iterations)
}

/** The keys to store for a SaltedPassword. */
export async function keysOf(
  hash: HashName,
  salted: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  crypto: ScramCrypto,
): Promise<ScramKeys> {
  const { clientKey, serverKey } = await clientKeysOf(hash, salted, salt, iterations, crypto)
  return { salt, iterations, storedKey: await crypto.hash(hash, clientKey), serverKey }
}

/** The keys with which a client proves a password (RFC 5802 §3). Throws what `saslprep` throws. */
export async function deriveClientKeys(
  hash: HashName,
  password: string,
  salt: Uint8Array,
  iterations: number,
  crypto: ScramCrypto,
): Promise<ScramClientKeys> {
  return clientKeysOf(hash, await saltPassword(hash, password, salt, iterations, crypto), salt, iterations, crypto)
}

async function clientKeysOf(
  hash: HashName,
  salted: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  crypto: ScramCrypto,
): Promise<ScramClientKeys> {
  const clientKey = await crypto.hmac(hash, salted, utf8('Client Key'))
  return { hash, salt, iterations, clientKey, serverKey: await crypto.hmac(hash, salted, utf8('Server Key')) }
}
