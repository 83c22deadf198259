import { crc32 } from 'node:zlib'

/** Length and CRC-32 of the payload, both 32 bits, little-endian; then the payload, UTF-8. */
const HEADER = 8
const CHUNK = 256 * 1024

/** Damage, a missing part or a lock on the journal; the message says in plain words what is wrong and how to mend it. */
export class JournalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JournalError'
  }
}

/** Writes frames into one buffer that it keeps; a frame is valid until the next call. */
export class FrameWriter {
  #buffer = Buffer.allocUnsafe(CHUNK)

  frame(batch: string): Buffer {
    // A UTF-16 unit takes three bytes at most; only a big batch is worth an exact count.
    let size = HEADER + batch.length * 3
    if (size > this.#buffer.length) size = HEADER + Buffer.byteLength(batch)
    const buffer = size > this.#buffer.length ? Buffer.allocUnsafe(size) : this.#buffer
    const length = buffer.write(batch, HEADER)
    const payload = buffer.subarray(HEADER, HEADER + length)
    buffer.writeUInt32LE(length, 0)
    buffer.writeUInt32LE(crc32(payload), 4)
    return buffer.subarray(0, HEADER + length)
  }
}

/** Fills the buffer from a place in the file; returns how many bytes there were. */
export type ReadAt = (buffer: Buffer, position: number) => number

/** Reads frames one after another with bounded memory: one chunk, or one frame where that is bigger. */
export class FrameReader {
  readonly #read: ReadAt
  #buffer = Buffer.allocUnsafe(CHUNK)
  #start = 0
  #end = 0
  /** Where the next frame begins in the file. */
  position: number

  constructor(read: ReadAt, position = 0) {
    this.#read = read
    this.position = position
  }

  /** The payload of the next frame, or undefined where no whole and sound frame begins. */
  next(): string | undefined {
    if (!this.#holds(HEADER)) return undefined
    const length = this.#buffer.readUInt32LE(this.#start)
    // No batch is empty: eight zero bytes are a hole that a crash left, not a frame.
    if (length === 0 || !this.#holds(HEADER + length)) return undefined
    const at = this.#start + HEADER
    const payload = this.#buffer.subarray(at, at + length)
    if (crc32(payload) !== this.#buffer.readUInt32LE(this.#start + 4)) return undefined
    this.#start += HEADER + length
    this.position += HEADER + length
    return payload.toString()
  }

  /** Forgets what was read ahead: the writer may replace what lies behind the last frame it reported. */
  forget(): void {
    this.#start = this.#end = 0
  }

  #holds(size: number): boolean {
    if (this.#end - this.#start >= size) return true
    const held = this.#end - this.#start
    const room = Math.max(CHUNK, size)
    if (size > this.#buffer.length && !this.#reaches(size)) return false
    const target =
      room > this.#buffer.length || this.#buffer.length > 4 * room ? Buffer.allocUnsafe(room) : this.#buffer
    this.#buffer.copy(target, 0, this.#start, this.#end)
    this.#buffer = target
    this.#start = 0
    this.#end = held
    while (this.#end < target.length) {
      const count = this.#read(target.subarray(this.#end), this.position + this.#end)
      if (count === 0) break
      this.#end += count
    }
    return this.#end >= size
  }

  /** A damaged length must not make us ask for gigabytes: is there a byte where the frame would end? */
  #reaches(size: number): boolean {
    return this.#read(Buffer.allocUnsafe(1), this.position + size - 1) === 1
  }
}

/** Reads the frames of a file that is in memory. */
export function framesOf(file: Buffer): FrameReader {
  return new FrameReader((buffer, position) => (position < file.length ? file.copy(buffer, 0, position) : 0))
}

/**
 * The place behind `position` where a sound frame begins, or undefined. It tells a torn tail, which may be cut off, from damage
 * in the middle. A zero byte occurs in lengths and sums only (JSON escapes it), so hardly any place needs its sum counted.
 */
export function findFrame(file: Buffer, position: number): number | undefined {
  for (let at = position + 1; at + HEADER < file.length; at += 1) {
    const length = file.readUInt32LE(at)
    if (length === 0 || at + HEADER + length > file.length) continue
    if (crc32(file.subarray(at + HEADER, at + HEADER + length)) === file.readUInt32LE(at + 4)) return at
  }
  return undefined
}
