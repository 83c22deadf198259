import { SaslError } from '../errors.ts'
import { mostRoom, room, taken } from './room.ts'

/** The most bytes of one SASL message, after base64. Room for three JID parts, each character escaped as `=2C`. */
export const maxMessageBytes = 16_384

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  // A UTF-16 unit takes three bytes at most.
  const most = text.length * 3
  return most > mostRoom ? encoder.encode(text) : taken(encoder.encodeInto(text, room(most)).written)
}

/** The text of a message from the peer. Throws `SaslError` malformed-request when it is too long or not UTF-8. */
export function messageText(input: Uint8Array): string {
  if (input.length > maxMessageBytes) throw new SaslError('malformed-request', 'message too long')
  try {
    return decoder.decode(input)
  } catch {
    throw new SaslError('malformed-request', 'not UTF-8')
  }
}
