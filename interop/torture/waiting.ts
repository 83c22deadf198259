import { setTimeout as delay } from 'node:timers/promises'

/** What does not come in time the checker will find. */
export async function atMost(ms: number, awaited: Promise<unknown>): Promise<void> {
  const timeout = new AbortController()
  await Promise.race([awaited, delay(ms, undefined, timeout).catch(() => {})])
  timeout.abort()
}

/** Looks again and again; throws when it takes longer. */
export async function until(isSo: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (!isSo()) {
    if (performance.now() > end) throw new Error('The users were not ready in time')
    await delay(20)
  }
}

/** Rejects when it takes longer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>(
    (_, reject) => (timer = setTimeout(() => reject(new Error(`Nothing for ${ms} ms`)), ms)),
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
