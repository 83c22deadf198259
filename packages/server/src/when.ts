import type { Awaitable } from './world.ts'

/** Goes on with a value: at once when it is there, and with a promise only when it is one. */
export function when<T, R>(value: Awaitable<T>, act: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(act) : act(value)
}
