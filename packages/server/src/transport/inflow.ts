import { Socket } from 'node:net'

/* oxlint-disable no-underscore-dangle -- Node's own names */
interface Reading {
  [key: symbol]: unknown
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null
}

/** All sockets read into it: what one has read is handed over before another reads. */
const shared = new Uint8Array(65_536)
const own = Object.getOwnPropertySymbols(new Socket())
const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) => own.find(({ description }) => description === name))

/**
 * Hands over what a socket reads at once, out of a buffer that all share: the documented `onread` of sockets that connect, for those that a
 * server accepts, which Node does not offer it. Its streams make a buffer for each read, queue it and take it out again: 14 % of a message's
 * cost (docs/benchmarks.md). What was read before comes by 'data'.
 *
 * @param take called with how much of the buffer it is
 * @returns false where Node is built otherwise, and all comes by 'data'
 */
export function readShared(
  socket: Socket,
  take: (this: Socket, length: number, buffer: Uint8Array) => boolean,
): boolean {
  const reading = socket as unknown as Reading
  if (!buffer || !callback || !reading._handle?.useUserBuffer) return false
  reading[buffer] = shared
  reading[callback] = take
  reading._handle.useUserBuffer(shared)
  return true
}
