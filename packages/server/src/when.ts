import type { Awaitable } from './world.ts'

/** Goes on with a value: at once when it is there, and with a promise only when it is one. */
export function when<T, R>(value: Awaitable<T>, act: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(act) : act(value)
}

/** What `act` gives; `fail` deals with what it throws, at once or later. */
export function attempt<T>(act: () => Awaitable<T>, fail: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const value = act()
    return value instanceof Promise ? value.catch(fail) : value
  } catch (error) {
    return fail(error)
  }
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
