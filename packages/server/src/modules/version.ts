import { readFileSync } from 'node:fs'
import { release, type } from 'node:os'
import { SoftwareVersion, versionNs } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule } from '../module.ts'

const packageFile = new URL('../../package.json', import.meta.url)
export const { version: number } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string }

/** Tells which software the server is. */
export const version = defineModule({
  name: 'version',
  xeps: ['XEP-0092 1.1'],
  features: { server: [versionNs] },
  config: z.object({
    os: z.boolean().default(false).describe('Whether the operating system is told too, which may help an attacker.'),
  }),
  start(host) {
    const os = host.config.os ? `${type()} ${release()}` : undefined
    host.answer('get', 'server', SoftwareVersion, () => SoftwareVersion.write({ name: 'Jackdaw', version: number, os }))
  },
})
