const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const values = new Map(Array.from(alphabet, (char, value) => [char, value]))
const canonical = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$/

/** Base64 with padding and without line breaks (RFC 4648 §4). */
export function encodeBase64(data: Uint8Array): string {
  let text = ''
  for (let at = 0; at < data.length; at += 3) {
    const bits = (data[at]! << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0)
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]!
    text += at + 1 < data.length ? alphabet[(bits >> 6) & 63]! : '='
    text += at + 2 < data.length ? alphabet[bits & 63]! : '='
  }
  return text
}

/**
 * The bytes, or undefined when the text is not the one encoding of them: foreign characters, missing padding and
 * bits set in the padding are refused (RFC 6120 §13.9.1, RFC 4648 §3.5), so that no byte of a signed message is free.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!canonical.test(text)) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const data = new Uint8Array((text.length / 4) * 3 - padding)
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    let bits = 0
    for (let digit = 0; digit < 4; digit++) bits = (bits << 6) | (values.get(text[from + digit]!) ?? 0)
    data[to] = bits >> 16
    if (to + 1 < data.length) data[to + 1] = bits >> 8
    if (to + 2 < data.length) data[to + 2] = bits
    const unused = data.length - to
    if (unused < 3 && bits & (unused === 1 ? 0xffff : 0xff)) return undefined
  }
  return data
}
