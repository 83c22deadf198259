import { readFileSync } from 'node:fs'
import type { Jid } from '@jackdaw/xmpp'
import type { AccountsConfig } from '../config/accounts.ts'
import { ConfigError } from '../config/problem.ts'
import type { Clock } from '../world.ts'
import { HttpCheck } from './http-check.ts'
import { Ldap } from './ldap.ts'
import type { AccountSource } from './source.ts'

/** The system that keeps the accounts of the host; it is not asked yet. @throws ConfigError for a file that cannot be read */
export function openSource({ ldap, http, timeout }: AccountsConfig, { domain }: Jid, clock: Clock): AccountSource {
  if (http) {
    const secret = http.secretFile === undefined ? undefined : line(http.secretFile)
    return new HttpCheck({ url: new URL(http.url), domain, secret, ca: text(http.ca), timeout, clock })
  }
  const { base, attribute, filter, bindDn, passwordFile, url, startTls, ca } = ldap!
  const service = bindDn === undefined ? undefined : { dn: bindDn, password: line(passwordFile!) }
  return new Ldap({
    address: { url: new URL(url), startTls, ca: text(ca) },
    search: { base, attribute, filter, service },
    timeout,
    clock,
  })
}

function line(file: string): string {
  const [first = ''] = text(file)!.split(/\r?\n/, 1)
  if (first === '') throw new ConfigError(`${file} is empty: write the password or the secret in its first line`)
  return first
}

function text(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}): check hosts.*.accounts`, {
      cause: error,
    })
  }
}
