import { accessSync, constants, existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { leftFree } from '../modules/upload/vault.ts'
import type { Finding, Scene } from './finding.ts'
import { closed, existingFolder } from './permissions.ts'

const MiB = 1024 ** 2

interface Upload {
  readonly url?: string
  readonly maxFileSize: number
  readonly quota: number
}

/** Whether files can be put, and where (XEP-0363). */
export async function uploads({ config }: Scene, access = accessSync): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [domain, { modules }] of Object.entries(config.hosts)) {
    const own = modules['upload'] as Upload | false | undefined
    if (!own) continue
    const title = `files of ${domain}`
    const meta = modules['host-meta'] as { readonly url?: string } | false | undefined
    const folder = join(config.data, 'files', encodeURIComponent(domain))
    const found: Finding[] = []
    if (own.url === undefined && !(meta && meta.url !== undefined) && config.listen.https === false)
      found.push({
        title,
        level: 'warn',
        sentence:
          'No address is known at which they are put and found: set listen.https, or, where a reverse proxy stands before it, modules.host-meta.url.',
      })
    if (own.quota < own.maxFileSize)
      found.push({
        title,
        level: 'warn',
        sentence: `One file may have ${inMiB(own.maxFileSize)}, but all of an account together ${inMiB(own.quota)}: raise modules.upload.quota, or lower modules.upload.maxFileSize.`,
      })
    const trouble = existsSync(folder) ? unfit(title, folder, access) : undefined
    if (trouble) found.push(trouble)
    const { bavail, bsize } = await statfs(existingFolder(folder))
    const room = Math.max(0, bavail * bsize - leftFree)
    if (room < own.maxFileSize)
      found.push({
        title,
        level: 'warn',
        sentence: `Only ${inMiB(room)} may still be written to ${folder} (${inMiB(leftFree)} are left to the rest of the server), and one file may have ${inMiB(own.maxFileSize)}: make room, or lower modules.upload.maxFileSize.`,
      })
    if (found.length === 0)
      found.push({ title, level: 'ok', sentence: `They are kept in ${folder}, where ${inMiB(room)} may be written.` })
    findings.push(...found)
  }
  return findings
}

function unfit(title: string, folder: string, access: typeof accessSync): Finding | undefined {
  try {
    access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return {
      title,
      level: 'fail',
      sentence: `This user may not read and write ${folder}: run jackdaw as the user who owns it, or change its owner.`,
    }
  }
  return closed(title, folder, '700')
}

const inMiB = (bytes: number) => `${Math.floor(bytes / MiB)} MiB`
