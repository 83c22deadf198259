import { XmlError } from './xml-error.ts'

/* oxlint-disable no-control-regex -- they are what these look for */
const suspicious = /[\0-\x08\x0b-\x1f\ufffe\uffff]/
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
const loneSurrogate = /\p{Surrogate}/u
const lineEnd = /\r\n?/g

// Not told of the stream's chunks: the decoder's own memory of them costs more than holding back the tail here.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const nothing = new Uint8Array(0)

/** Chunks as XML text: UTF-8 decoded, line ends normalised (XML 1.0 §2.11), ending before the first bad character. */
export class Decoder {
  /** Why nothing more comes: the text ended before this. */
  fault: XmlError | undefined
  #tail: Uint8Array = nothing
  #highSurrogate = ''
  #afterReturn = false

  /** Bytes or UTF-16 units which began a character that has not ended yet. */
  get held(): number {
    return this.#tail.length + this.#highSurrogate.length
  }

  decode(chunk: Uint8Array | string): string {
    if (this.fault) return ''
    let text = typeof chunk === 'string' ? this.#paired(chunk) : this.#decoded(chunk)
    if (this.#afterReturn && text !== '') {
      this.#afterReturn = false
      if (text.charCodeAt(0) === 0xa) text = text.slice(1)
    }
    return suspicious.test(text) ? this.#cleaned(text) : text
  }

  /** Forgets what is held, and the fault. */
  reset(): void {
    this.fault = undefined
    this.#tail = nothing
    this.#highSurrogate = ''
    this.#afterReturn = false
  }

  #cleaned(text: string): string {
    const at = text.search(forbidden)
    if (at >= 0) {
      const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
      this.fault = new XmlError('not-well-formed', `XML does not admit the character U+${code}`)
      text = text.slice(0, at)
    }
    this.#afterReturn = text.endsWith('\r')
    return text.replace(lineEnd, '\n')
  }

  #decoded(chunk: Uint8Array): string {
    let bytes = chunk
    if (this.#tail.length > 0) {
      bytes = new Uint8Array(this.#tail.length + chunk.length)
      bytes.set(this.#tail)
      bytes.set(chunk, this.#tail.length)
      this.#tail = nothing
    }
    if (bytes.length > 0 && bytes[bytes.length - 1]! >= 0x80) {
      const end = completeLength(bytes)
      this.#tail = bytes.slice(end)
      bytes = bytes.subarray(0, end)
    }
    try {
      return utf8.decode(bytes)
    } catch {
      // RFC 6120 §4.9.3.22: also for a violation of the rules of UTF-8.
      this.fault = new XmlError('unsupported-encoding', 'this is not UTF-8')
      return validPrefix(bytes)
    }
  }

  #paired(chunk: string): string {
    let text = this.#highSurrogate + chunk
    this.#highSurrogate = ''
    if (text.isWellFormed()) return text
    if ((text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800) {
      this.#highSurrogate = text.slice(-1)
      text = text.slice(0, -1)
    }
    const at = text.search(loneSurrogate)
    if (at < 0) return text
    this.fault = new XmlError('not-well-formed', 'half of a surrogate pair is no character')
    return text.slice(0, at)
  }
}

/** The length without the character at the end of which bytes are still to come. */
function completeLength(bytes: Uint8Array): number {
  const { length } = bytes
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!
    if (byte < 0xc0) continue
    const needed = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    return back < needed ? length - back : length
  }
  return length
}

/** What stands before the first byte that is wrong, found by halving: the decoder does not say where. */
function validPrefix(bytes: Uint8Array): string {
  let text = ''
  for (let low = 0, high = bytes.length; low < high;) {
    const middle = (low + high + 1) >> 1
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, middle), {
        stream: true,
      })
      low = middle
    } catch {
      high = middle - 1
    }
  }
  return text
}
