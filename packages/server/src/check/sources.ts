import { existsSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { Jid } from '@jackdaw/xmpp'
import type { AccountsConfig } from '../config/accounts.ts'
import { openSource } from '../sources/open.ts'
import { systemClock } from '../world.ts'
import type { Finding, Scene } from './finding.ts'
import { closed } from './permissions.ts'

/** Whether the systems that keep accounts answer, and know nobody who cannot be. */
export async function sources({ config, clock }: Scene): Promise<Finding[]> {
  const asked = Object.entries(config.hosts).flatMap(([domain, { accounts }]) =>
    accounts ? [look(domain, accounts, clock)] : [],
  )
  return (await Promise.all(asked)).flat()
}

async function look(domain: string, config: AccountsConfig, clock: Scene['clock']): Promise<Finding[]> {
  const secrets = [config.ldap?.passwordFile, config.http?.secretFile].filter((file) => file !== undefined)
  const open = secrets.filter(existsSync).flatMap((file) => closed('password of the accounts', file, '600') ?? [])
  return [await answer(domain, config, clock), ...open]
}

async function answer(domain: string, config: AccountsConfig, clock: Scene['clock']): Promise<Finding> {
  const title = `accounts of ${domain}`
  const source = openSource(config, Jid.of({ domain }), systemClock)
  try {
    const begun = clock.now()
    const stranger = randomUUID()
    if (await source.exists(stranger))
      return {
        title,
        level: 'fail',
        sentence: `To ${source.name} anybody exists: mend what it answers, or the filter.`,
      }
    if (await source.check(stranger, randomUUID()))
      return { title, level: 'fail', sentence: `For ${source.name} any password is right: mend what it answers.` }
    const time = Math.round(clock.now() - begun)
    return { title, level: 'ok', sentence: `${source.name} answers (two questions in ${time} ms).` }
  } catch (error) {
    const reason = (error as Error).message.replaceAll(/\s+/g, ' ')
    return {
      title,
      level: 'fail',
      sentence: `${source.name} does not answer (${reason}): nobody can log in with a password.`,
    }
  } finally {
    source.close()
  }
}
