import { readFileSync } from 'node:fs'
import { FrameReader, JournalError, findFrame } from './frames.ts'
import { damaged, listParts, partFile } from './parts.ts'

/** What a journal holds: the batches from `first` to before `next`; `torn`: bytes that a crash, or a copy, has half written at the end. */
export interface Extent {
  readonly first: number
  readonly next: number
  readonly torn: number
}

/** Reads all of a journal, changing nothing. @throws {JournalError} when it is damaged or lacks a part */
export function verifyJournal(folder: string): Extent {
  const parts = listParts(folder)
  const [first = 1] = parts
  let next = first
  for (const [index, part] of parts.entries()) {
    if (next !== part)
      throw new JournalError(
        `The journal part ${partFile(folder, next)} is missing: put it back, or restore the whole data folder from a backup.`,
      )
    const file = partFile(folder, part)
    const content = readFileSync(file)
    const frames = new FrameReader((buffer, position) => content.subarray(position).copy(buffer))
    while (frames.next() !== undefined) next += 1
    const { position } = frames
    if (index === parts.length - 1) {
      if (findFrame(content, position) !== undefined) throw damaged(file, position)
      return { first, next, torn: content.length - position }
    }
    if (position < content.length) throw damaged(file, position)
  }
  return { first, next, torn: 0 }
}
