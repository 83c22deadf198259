import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { hasComponents } from '../config/components.ts'
import type { Finding, Scene } from './finding.ts'
import { closed } from './permissions.ts'

const DAY = 86_400_000
/** Whoever has read a secret may use it until it is another one. */
const OLD = 730 * DAY

/** Whether what must stay secret is nobody else's to read, and not the same for ever. */
export async function secrets({ config, file, clock }: Scene): Promise<Finding[]> {
  return [
    ...(file !== undefined && hasSecrets(config) ? [configuration(file)] : []),
    ...tokens(join(config.data, 'tokens.key'), clock.now()),
  ]
}

function configuration(file: string): Finding {
  const title = 'secrets in the configuration'
  return closed(title, file, '600') ?? { title, level: 'ok', sentence: `${file} is for its owner alone.` }
}

function hasSecrets({ hosts }: Config): boolean {
  return (
    hasComponents(hosts) ||
    Object.values(hosts).some(({ modules }) => {
      const { 'push-service': push, 'external-services': calls, events } = modules
      return Boolean(push) || [calls, events].some((one) => JSON.stringify(one ?? '').includes('"secret":'))
    })
  )
}

function tokens(file: string, now: number): Finding[] {
  if (!existsSync(file)) return []
  const title = 'key of login tokens'
  const open = closed(title, file, '600')
  const made = statSync(file).mtimeMs
  const date = new Date(made).toISOString().slice(0, 10)
  if (open) return [open]
  if (now - made < OLD) return [{ title, level: 'ok', sentence: `It was made on ${date}, and is for its owner alone.` }]
  return [
    {
      title,
      level: 'warn',
      sentence: `It was made on ${date}: for a new one stop the server, remove ${file}, and start it again; everybody then logs in with the password once.`,
    },
  ]
}
