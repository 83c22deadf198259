const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** Has a bit that no value has. */
const foreign = 0x40
/** By code unit. */
const values = new Uint8Array(128).fill(foreign)
for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value

const padding = 0x3d
const digits = Uint8Array.from(alphabet, (digit) => digit.charCodeAt(0))
/** What is being written: a string that grows by single characters costs many times as much. */
const codes = new Uint8Array(1024)
const ascii = new TextDecoder()

/** Base64 with padding and without line breaks (RFC 4648 §4). */
export function encodeBase64(data: Uint8Array): string {
  let text = ''
  let to = 0
  for (let at = 0; at < data.length; at += 3) {
    const bits = (data[at]! << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0)
    codes[to++] = digits[bits >> 18]!
    codes[to++] = digits[(bits >> 12) & 63]!
    codes[to++] = at + 1 < data.length ? digits[(bits >> 6) & 63]! : padding
    codes[to++] = at + 2 < data.length ? digits[bits & 63]! : padding
    if (to < codes.length) continue
    text += ascii.decode(codes)
    to = 0
  }
  return text + ascii.decode(codes.subarray(0, to))
}

/**
 * The bytes, or undefined when the text is not the one encoding of them: foreign characters, missing padding and
 * bits set in the padding are refused (RFC 6120 §13.9.1, RFC 4648 §3.5), so that no byte of a signed message is free.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const padded = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const data = new Uint8Array((text.length / 4) * 3 - padded)
  let seen = 0
  let bits = 0
  for (let from = 0, to = 0; from < text.length; from += 4) {
    const [a, b] = [valueAt(text, from), valueAt(text, from + 1)]
    const c = to + 1 < data.length ? valueAt(text, from + 2) : 0
    const d = to + 2 < data.length ? valueAt(text, from + 3) : 0
    seen |= a | b | c | d
    bits = (a << 18) | (b << 12) | (c << 6) | d
    // What is beyond the end is not kept.
    data[to++] = bits >> 16
    data[to++] = bits >> 8
    data[to++] = bits
  }
  const unused = padded === 2 ? 0xffff : padded === 1 ? 0xff : 0
  return seen < foreign && (bits & unused) === 0 ? data : undefined
}

function valueAt(text: string, at: number): number {
  return values[text.charCodeAt(at)] ?? foreign
}
