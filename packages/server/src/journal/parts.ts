import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { FrameReader, JournalError } from './frames.ts'

/** The file of the part that begins with this batch; names sort as numbers do. Another format gets a number behind `.journal`. */
export function partFile(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(16, '0')}.journal`)
}

/** The first batches of all parts, ascending. */
export function listParts(folder: string): number[] {
  const names = readdirSync(folder)
  const newer = names.find((name) => /^\d{16}\.journal\d+$/.test(name))
  if (newer !== undefined)
    throw new JournalError(
      `The journal part ${join(folder, newer)} was written by a newer Jackdaw: install that version again or a later one.`,
    )
  return names
    .filter((name) => /^\d{16}\.journal$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

/**
 * Reads committed batches from the parts of a journal, also while another thread writes it. It keeps its place, so that reading on
 * costs only what is new.
 */
export class JournalReader {
  readonly #folder: string
  #file = ''
  #descriptor: number | undefined
  #frames: FrameReader | undefined
  #next = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The batches from `from` (or the first there is) to `upTo`, which must have been committed. */
  *read(from: number, upTo: number): Iterable<readonly [number: number, batch: string]> {
    try {
      if (from !== this.#next || !this.#frames) this.#seek(from)
      while (this.#next <= upTo) {
        const batch = this.#frames!.next()
        if (batch === undefined) {
          this.#turn()
          continue
        }
        const number = this.#next
        this.#next += 1
        if (number >= from) yield [number, batch]
      }
    } finally {
      this.#frames?.forget()
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = this.#frames = undefined
  }

  #seek(from: number): void {
    const parts = listParts(this.#folder)
    const first = parts.findLast((part) => part <= from) ?? parts[0]
    if (first === undefined) throw new JournalError(`The journal folder ${this.#folder} holds no parts.`)
    this.#open(first)
  }

  #open(first: number): void {
    this.close()
    this.#file = partFile(this.#folder, first)
    let descriptor: number
    try {
      descriptor = openSync(this.#file, 'r')
    } catch (error) {
      throw new JournalError(
        `The journal part ${this.#file} is missing or cannot be read: put it back, or restore the whole data folder from a backup.`,
        { cause: error },
      )
    }
    this.#descriptor = descriptor
    this.#frames = new FrameReader((buffer, position) => readSync(descriptor, buffer, 0, buffer.length, position))
    this.#next = first
  }

  /** From the end of a part to the next one. */
  #turn(): void {
    const { position } = this.#frames!
    if (position < fstatSync(this.#descriptor!).size) throw damaged(this.#file, position)
    this.#open(this.#next)
  }
}

export function damaged(file: string, position: number): JournalError {
  return new JournalError(
    `The journal part ${file} is damaged at byte ${position}, and more was kept behind it: restore the data folder from a backup, ` +
      `or, to give up what was kept after that place, cut the file to ${position} bytes and delete the parts that follow it.`,
  )
}
