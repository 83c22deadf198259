import type { Awaitable } from './world.ts'

/** Goes on with a value: at once when it is there, and with a promise only when it is one. */
export function when<T, R>(value: Awaitable<T>, act: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(act) : act(value)
}

/** Goes on with several values: at once when all are there. */
export function whenAll<T, R>(
  values: readonly Awaitable<T>[],
  act: (values: readonly T[]) => Awaitable<R>,
): Awaitable<R> {
  const isThere = (value: Awaitable<T>): value is T => !(value instanceof Promise)
  if (values.every(isThere)) return act(values)
  return Promise.all(values.map((value) => Promise.resolve(value))).then(act)
}
