import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

interface File {
  readonly account: string
  readonly size: number
  readonly isUploaded: boolean
}

interface Usage {
  readonly bytes: number
  readonly files: number
  readonly slots: number
}

/** What the store and the disk of a server say of its files, and where they disagree. */
export interface Books {
  readonly files: number
  readonly slots: number
  readonly bytes: number
  readonly violations: readonly string[]
}

const none: Usage = { bytes: 0, files: 0, slots: 0 }

/** Reads it from the data of a server that has just started: its database then has all that the journal holds. */
export function readBooks(data: string, domain: string): Books {
  const database = new DatabaseSync(join(data, 'jackdaw.db'), { readOnly: true })
  const rows = <T>(store: string): Map<string, T> => {
    const found = database
      .prepare('SELECT owner, key, value FROM maps JOIN stores ON stores.id = store WHERE name = ?')
      .all(`${domain}/upload/${store}`) as { owner: string; key: string; value: string }[]
    return new Map(found.map(({ owner, key, value }) => [`${owner} ${key}`, JSON.parse(value.replace(/^=/, '')) as T]))
  }
  try {
    return audit(rows<File>('files'), rows<object>('owned'), rows<Usage>('usage'), data)
  } finally {
    database.close()
  }
}

function audit(files: Map<string, File>, owned: Map<string, object>, usage: Map<string, Usage>, data: string): Books {
  const violations: string[] = []
  const sums = new Map<string, Usage>()
  for (const [key, { account, size, isUploaded }] of files) {
    const id = key.split(' ')[0]!
    if (!owned.has(`${account} ${id}`)) violations.push(`${id} is not in the list of ${account}`)
    for (const owner of [account, '']) {
      const { bytes, files: count, slots } = sums.get(owner) ?? none
      sums.set(owner, { bytes: bytes + size, files: count + 1, slots: slots + (isUploaded ? 0 : 1) })
    }
  }
  if (owned.size !== files.size) violations.push(`${owned.size} in lists, ${files.size} records`)
  for (const owner of new Set([...sums.keys(), ...[...usage.keys()].map((key) => key.split(' ')[0]!)])) {
    const { bytes, files: count, slots } = usage.get(`${owner} usage`) ?? none
    const must = sums.get(owner) ?? none
    if (bytes !== must.bytes || count !== must.files || slots !== must.slots)
      violations.push(
        `${owner || 'all'}: kept ${bytes} bytes, ${count} files, ${slots} slots; must be ${JSON.stringify(must)}`,
      )
  }
  const folder = join(data, 'files/*/upload')
  const kept = new Set(globSync(join(folder, 'kept/*/*')).map((path) => basename(path)))
  for (const path of globSync(join(folder, 'incoming/*'))) violations.push(`orphan ${path}`)
  for (const [key, { isUploaded }] of files)
    if (isUploaded && !kept.delete(key.split(' ')[0]!)) violations.push(`${key} is not on the disk`)
  for (const id of kept) violations.push(`orphan ${id}`)
  const { bytes, files: count, slots } = sums.get('') ?? none
  return { files: count - slots, slots, bytes, violations }
}
