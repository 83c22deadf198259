import type { Socket } from 'node:net'
import type { Deadlines } from './deadlines.ts'

const waiting = Symbol('first byte')
type Waiting = Socket & {
  [waiting]?: { done: PromiseWithResolvers<void>; handshakes: Deadlines; failure: Error | undefined } | undefined
}

/**
 * Resolves when something can be read, which is left where it is. Until then a connection costs no TLS state; and one whose TLS has not read it by
 * itself takes less memory for good (docs/benchmarks.md).
 */
export function firstByte(raw: Waiting, handshakes: Deadlines): Promise<void> {
  const done = Promise.withResolvers<void>()
  raw[waiting] = { done, handshakes, failure: undefined }
  handshakes.start(raw)
  raw.on('error', onRawError).on('close', onRawClose).on('readable', onReadable)
  return done.promise
}

function onReadable(this: Waiting): void {
  const wait = this[waiting]
  if (!wait) return
  // Readable with nothing to read: the other side has closed.
  if (this.readableLength === 0) return void this.destroy()
  this[waiting] = undefined
  wait.handshakes.end(this)
  wait.done.resolve()
}

function onRawError(this: Waiting, error: Error): void {
  if (this[waiting]) this[waiting].failure ??= error
}

function onRawClose(this: Waiting): void {
  const wait = this[waiting]
  if (!wait) return
  this[waiting] = undefined
  wait.handshakes.end(this)
  wait.done.reject(wait.failure ?? wentAway())
}

export function wentAway(): Error {
  return new Error('The client went away during the TLS handshake')
}
