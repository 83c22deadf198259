import * as nodeFiles from 'node:fs'
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { FrameWriter, JournalError, findFrame, framesOf } from './frames.ts'
import type { JournalStore } from './journal.ts'
import { LockedError, takeLock } from './lock.ts'
import { JournalReader, damaged, listParts, partFile } from './parts.ts'

/** What a crash had half written and opening has cut off: bytes of the file, from the offset on. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

export interface FileJournalOptions {
  readonly folder: string
  /** What a commit survives: the death of the process, or a power cut too (one fdatasync a batch). */
  readonly durability: 'process' | 'power'
  /** A new part is begun once this many bytes are in the old one. */
  readonly partBytes?: number
  readonly onTorn?: (torn: TornTail) => void
  /** The calls that write, for tests of a failing disk. */
  readonly files?: Pick<typeof nodeFiles, 'writeSync' | 'ftruncateSync' | 'fdatasyncSync'>
}

/**
 * Opens the journal in a folder, creating it where there is none. A torn tail, which no reader was ever told of, is cut off and reported;
 * any other damage is refused with a JournalError.
 */
export function openFileJournal(options: FileJournalOptions): FileJournalStore {
  const { folder } = options
  let unlock: () => void
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    unlock = takeLock(join(folder, 'lock'))
  } catch (error) {
    if (!(error instanceof LockedError)) {
      throw new JournalError(
        `The journal folder ${folder} cannot be opened (${(error as Error).message}): ${remedy(error)}.`,
        { cause: error },
      )
    }
    const holder = error.holder === undefined ? 'another process' : `process ${error.holder}`
    throw new JournalError(`The journal folder ${folder} is in use by ${holder}: stop that server first.`, {
      cause: error,
    })
  }
  try {
    return new FileJournalStore(options, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

class FileJournalStore implements JournalStore {
  readonly #options: FileJournalOptions
  readonly #files: NonNullable<FileJournalOptions['files']>
  readonly #unlock: () => void
  readonly #partBytes: number
  readonly #frames = new FrameWriter()
  #parts: number[]
  #descriptor: number
  #size = 0
  #isDirty = false
  #isLost = false
  last: number

  constructor(options: FileJournalOptions, unlock: () => void) {
    this.#options = options
    this.#files = options.files ?? nodeFiles
    this.#unlock = unlock
    this.#partBytes = options.partBytes ?? 16 * 1024 * 1024
    this.#parts = listParts(options.folder)
    const tail = this.#parts.length > 0 ? this.#recover() : { count: 0, size: 0 }
    if (this.#parts.length === 0) this.#parts.push(1)
    this.#size = tail.size
    this.last = this.part + tail.count - 1
    this.#descriptor = this.#openPart(this.part)
  }

  get part(): number {
    return this.#parts.at(-1)!
  }

  append(batch: string): void {
    if (this.#isLost && !this.isInPlace())
      throw new JournalError(
        `Its file ${this.#file} has been removed or replaced: put the data folder back, or end the server.`,
      )
    if (this.#isDirty) this.#cut()
    if (this.#size >= this.#partBytes) this.#turn()
    const frame = this.#frames.frame(batch)
    try {
      this.#write(frame)
      if (this.#options.durability === 'power') this.#files.fdatasyncSync(this.#descriptor)
    } catch (error) {
      this.#isDirty = true
      try {
        this.#cut()
      } catch {
        // The next append tries again before it writes; until then this frame lies behind what `last` counts.
      }
      throw error
    }
    this.#size += frame.length
    this.last += 1
  }

  isInPlace(): boolean {
    const there = statSync(this.#file, { throwIfNoEntry: false })
    this.#isLost = there?.ino !== fstatSync(this.#descriptor).ino
    return !this.#isLost
  }

  *read(from: number): Iterable<readonly [number: number, batch: string]> {
    const reader = new JournalReader(this.#options.folder)
    try {
      yield* reader.read(from, this.last)
    } finally {
      reader.close()
    }
  }

  release(from: number): void {
    while (this.#parts.length > 1 && this.#parts[1]! <= from) {
      unlinkSync(partFile(this.#options.folder, this.#parts[0]!))
      this.#parts.shift()
    }
  }

  close(): void {
    closeSync(this.#descriptor)
    this.#unlock()
  }

  get #file(): string {
    return partFile(this.#options.folder, this.part)
  }

  #write(frame: Buffer): void {
    let written = 0
    while (written < frame.length) {
      written += this.#files.writeSync(this.#descriptor, frame, written, frame.length - written, this.#size + written)
    }
  }

  #cut(): void {
    this.#files.ftruncateSync(this.#descriptor, this.#size)
    this.#isDirty = false
  }

  #turn(): void {
    const descriptor = this.#openPart(this.last + 1)
    closeSync(this.#descriptor)
    this.#descriptor = descriptor
    this.#parts.push(this.last + 1)
    this.#size = 0
  }

  #openPart(first: number): number {
    const flags = nodeFiles.constants.O_RDWR | nodeFiles.constants.O_CREAT
    const descriptor = openSync(partFile(this.#options.folder, first), flags, 0o600)
    if (this.#options.durability === 'power') syncFolder(this.#options.folder)
    return descriptor
  }

  /** Counts the batches of the last part and cuts off what a crash left half written behind them. */
  #recover(): { count: number; size: number } {
    const file = partFile(this.#options.folder, this.part)
    const content = readFileSync(file)
    const frames = framesOf(content)
    let count = 0
    while (frames.next() !== undefined) count += 1
    const size = frames.position
    if (size < content.length && findFrame(content, size) !== undefined) throw damaged(file, size)
    if (count === 0 && this.#parts.length > 1 && this.#isBehindTorn()) {
      // A power cut took the end of the part before, too: nothing was committed here.
      unlinkSync(file)
      this.#options.onTorn?.({ file, offset: 0, bytes: content.length })
      this.#parts.pop()
      return this.#recover()
    }
    if (size < content.length) {
      nodeFiles.truncateSync(file, size)
      this.#options.onTorn?.({ file, offset: size, bytes: content.length - size })
    }
    return { count, size }
  }

  #isBehindTorn(): boolean {
    const content = readFileSync(partFile(this.#options.folder, this.#parts.at(-2)!))
    const frames = framesOf(content)
    let next = this.#parts.at(-2)!
    while (frames.next() !== undefined) next += 1
    return next < this.part
  }
}

export type { FileJournalStore }

/** What the reader of an error can do about it; of node:fs or, for the lock, SQLite's result code. */
function remedy(error: unknown): string {
  const { code, errcode } = error as { code?: string; errcode?: number }
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === 13) return 'the disk is full, make room'
  if (code === 'EROFS') return 'the file system is read-only, set another folder under data'
  return 'check that it is a folder which this user may write to'
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
