import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Finding, Scene } from './finding.ts'

/** Whether this user may use the data folder and the keys, and others may not. */
export async function permissions({ config }: Scene, access = accessSync): Promise<Finding[]> {
  const keys = new Set(
    Object.values(config.hosts).flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate.key])),
  )
  return [folder(config.data, access), ...[...keys].filter((key) => existsSync(key)).map(keyFile)]
}

function folder(data: string, access: typeof accessSync): Finding {
  const may = (path: string, mode: number): boolean => {
    try {
      access(path, mode)
      return true
    } catch {
      return false
    }
  }
  const title = 'data folder'
  if (!existsSync(data)) {
    const parent = existingFolder(data)
    if (may(parent, constants.W_OK | constants.X_OK))
      return { title, level: 'ok', sentence: `${data} will be made at the first start.` }
    return {
      title,
      level: 'fail',
      sentence: `${data} cannot be made, because this user may not write to ${parent}: make it, or set another folder under data.`,
    }
  }
  if (!statSync(data).isDirectory())
    return { title, level: 'fail', sentence: `${data} is no folder: set another one under data.` }
  if (!may(data, constants.R_OK | constants.W_OK | constants.X_OK)) {
    return {
      title,
      level: 'fail',
      sentence: `This user may not read and write ${data}: run jackdaw as the user who owns it, or change its owner.`,
    }
  }
  return closed(title, data, '700') ?? { title, level: 'ok', sentence: `${data} is for this user alone.` }
}

function keyFile(file: string): Finding {
  const title = 'private key'
  // Whether it can be read, the certificate's finding says.
  return closed(title, file, '600') ?? { title, level: 'ok', sentence: `${file} is for its owner alone.` }
}

/** A group is often meant (a group of those who may use certificates); everybody never is. */
export function closed(title: string, path: string, mode: string): Finding | undefined {
  if (process.platform === 'win32') return undefined
  const bits = statSync(path).mode
  if ((bits & 0o007) !== 0)
    return {
      title,
      level: 'fail',
      sentence: `Every user of this machine may look into ${path}: run chmod ${mode} '${path}'.`,
    }
  if ((bits & 0o070) !== 0)
    return {
      title,
      level: 'warn',
      sentence: `The group of ${path} may look into it: run chmod ${mode} '${path}', unless that is meant.`,
    }
  return undefined
}

/** The folder itself, or the nearest one above it that exists. */
export function existingFolder(path: string): string {
  return existsSync(path) ? path : existingFolder(dirname(path))
}
