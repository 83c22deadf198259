import { ConfigError } from '../config/problem.ts'
import { JournalError } from '../journal/frames.ts'
import { StorageError } from '../storage/storage.ts'
import { CertificateError } from '../transport/certificate-file.ts'
import { ListenError } from '../transport/network.ts'
import { CommandError } from './requests.ts'

/** Errors whose message says in plain words what is wrong and how to mend it. */
const plain = [CertificateError, CommandError, ConfigError, JournalError, ListenError, StorageError]

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use it: change its owner or mode',
  EPERM: 'this user may not use it: change its owner or mode',
  EROFS: 'it is on a read-only file system: set another folder under data',
  ENOSPC: 'the disk is full: make room',
  EDQUOT: 'the quota of this user is used up: make room',
  ENOTDIR: 'part of the path is not a folder: check data in the configuration',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
}

/** One sentence for a failure that can be mended; of a mistake of ours, all that is known. */
export function describeFailure(error: unknown): string {
  if (plain.some((kind) => error instanceof kind)) return (error as Error).message
  const { code, path } = error as NodeJS.ErrnoException
  const reason = reasons[code ?? '']
  if (reason !== undefined) return path === undefined ? reason : `${path}: ${reason}`
  return `a mistake in Jackdaw itself, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
