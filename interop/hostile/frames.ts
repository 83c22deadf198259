/** RFC 6455 §5.2: one frame of a client, in whatever way it is wrong. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  { isFinal = true, isMasked = true, reserved = 0, length }: FrameFaults = {},
): Buffer {
  const data = Buffer.from(payload as string)
  const size = length ?? data.length
  const head = [(isFinal ? 0x80 : 0) | (reserved << 4) | opcode]
  const mask = isMasked ? 0x80 : 0
  if (size < 126) head.push(mask | size)
  else if (size < 0x10000) head.push(mask | 126, size >> 8, size & 0xff)
  else head.push(mask | 127, 0, 0, 0, 0, (size >> 24) & 0xff, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff)
  // A mask of zeros changes nothing.
  if (isMasked) head.push(0, 0, 0, 0)
  return Buffer.concat([Buffer.from(head), data])
}

interface FrameFaults {
  readonly isFinal?: boolean
  readonly isMasked?: boolean
  /** RSV1–3, as three bits. */
  readonly reserved?: number
  /** What the frame claims to hold. */
  readonly length?: number
}

/** The frames that a server sends: whole messages, not masked. */
export class FrameReader {
  #rest = Buffer.alloc(0)

  /** The frames that are whole now. */
  read(chunk: Buffer): { opcode: number; payload: Buffer }[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const frames: { opcode: number; payload: Buffer }[] = []
    for (;;) {
      const data = this.#rest
      if (data.length < 2) return frames
      let length = data[1]! & 0x7f
      let start = 2
      if (length === 126) {
        if (data.length < 4) return frames
        length = data.readUInt16BE(2)
        start = 4
      } else if (length === 127) {
        if (data.length < 10) return frames
        length = Number(data.readBigUInt64BE(2))
        start = 10
      }
      if (data.length < start + length) return frames
      this.#rest = data.subarray(start + length)
      frames.push({ opcode: data[0]! & 0x0f, payload: data.subarray(start, start + length) })
    }
  }
}
