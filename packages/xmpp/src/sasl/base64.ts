import { mostRoom, room, taken } from './room.ts'

/** The language has its own; not so Node 24, nor browsers before 2025. */
const isOwn = 'toBase64' in Uint8Array.prototype

/** Base64 with padding and without line breaks (RFC 4648 §4). */
export function encodeBase64(data: Uint8Array): string {
  if (isOwn) return data.toBase64()
  let binary = ''
  for (const byte of data) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/**
 * The bytes, or undefined when the text is not the one encoding of them: foreign characters, missing padding and
 * bits set in the padding are refused (RFC 6120 §13.9.1, RFC 4648 §3.5), so that no byte of a signed message is free.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return isOwn ? decoded(text) : decodedByAtob(text)
  } catch {
    return undefined
  }
}

const strictly = { lastChunkHandling: 'strict' } as const

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  const padded = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const length = (text.length / 4) * 3 - padded
  const data =
    length > mostRoom
      ? Uint8Array.fromBase64(text, strictly)
      : taken(room(text.length).setFromBase64(text, strictly).written)
  // It passes over white space.
  return data.length === length ? data : undefined
}

function decodedByAtob(text: string): Uint8Array<ArrayBuffer> | undefined {
  const binary = atob(text)
  // It forgives much more.
  return btoa(binary) === text ? Uint8Array.from(binary, (byte) => byte.charCodeAt(0)) : undefined
}
