import type { Host } from '../module.ts'
import type { LogStore } from '../storage/storage.ts'

/** A log of which what is too old is removed. */
export type Swept = Pick<LogStore<any>, 'owners' | 'page' | 'trim'>

/** From the end of one sweep to the next. */
const rest = 3_600_000
/** After so many owners, or so many entries removed, a sweep lets others work for a breath. */
const ownersAtOnce = 20
const entriesAtOnce = 500
const breath = 50

/**
 * Removes what is older than it is to be kept (milliseconds), the oldest first, all the time and never much at once, as long as the module runs.
 * @param removed is told how many entries went
 */
export function sweep(host: Host, logs: Iterable<Swept>, keep: number, removed: (count: number) => void): void {
  const { clock } = host
  let isStopped = false
  let cancel = () => {}
  host.onStop(() => {
    isStopped = true
    cancel()
  })
  begin()

  function begin(): void {
    cancel = clock.after(rest, () => {
      sweepAll().catch((error: unknown) => {
        if (!isStopped) host.log.error({ err: error }, 'old messages could not be removed')
      })
    })
  }

  async function sweepAll(): Promise<void> {
    for (const log of logs) await sweepLog(log)
    if (!isStopped) begin()
  }

  async function sweepLog(log: Swept): Promise<void> {
    let owners = 0
    for await (const owner of log.owners()) {
      if (++owners % ownersAtOnce === 0) await pause()
      for (;;) {
        if (isStopped) return
        const end = clock.now() - keep
        const [oldest] = (await log.page(owner, { max: 1 })).entries
        if (!oldest || oldest.at > end) break
        removed(await log.trim(owner, { end, max: entriesAtOnce }))
        await pause()
      }
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => void (cancel = clock.after(breath, resolve)))
  }
}
