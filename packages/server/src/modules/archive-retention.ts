import * as z from 'zod'
import { duration } from '../config/fields.ts'
import { defineModule } from '../module.ts'
import type { LogQuery, LogStore } from '../storage/storage.ts'
import { archive } from './archive.ts'

/** A log of which what is too old is removed. */
export type Swept = Pick<LogStore<any>, 'owners' | 'page'> & { trim(owner: string, query: LogQuery): Promise<number> }

/** From the end of one sweep to the next. */
const rest = 3_600_000
/** After so many owners, or so many entries removed, a sweep lets others work for a breath. */
const ownersAtOnce = 20
const entriesAtOnce = 500
const breath = 50

/** Removes what is older than this host keeps it, the oldest first (XEP-0313 §3.2), all the time and never much at once. */
export const archiveRetention = defineModule({
  name: 'archive-retention',
  needs: [archive],
  config: z.object({
    keep: duration({ min: '1 h', max: '36500 d' })
      .optional()
      .describe(
        'How long archives, those of rooms too, keep a message; when not set, for ever. One that still waits for its recipient goes as well.',
      ),
  }),
  start(host) {
    const { clock, config } = host
    const { log, trim } = host.use(archive)
    const logs = new Set<Swept>()
    const removed = host.metrics.counter('jackdaw_archive_expired_total', 'Messages removed because of their age')
    let isStopped = false
    let cancel = () => {}
    host.onStop(() => {
      isStopped = true
      cancel()
    })

    if (config.keep !== undefined) begin(config.keep)
    cover({ owners: () => log.owners(), page: (owner, query) => log.page(owner, query), trim })

    /** Lets a log of another module (the archives of rooms) be swept too; returns what ends that. */
    function cover(swept: Swept): () => void {
      logs.add(swept)
      return () => void logs.delete(swept)
    }

    function begin(keep: number): void {
      cancel = clock.after(rest, () => {
        sweep(keep).catch((error: unknown) => {
          if (!isStopped) host.log.error({ err: error }, 'old messages could not be removed')
        })
      })
    }

    async function sweep(keep: number): Promise<void> {
      for (const swept of logs) await sweepLog(swept, keep)
      if (!isStopped) begin(keep)
    }

    async function sweepLog(swept: Swept, keep: number): Promise<void> {
      let owners = 0
      for await (const owner of swept.owners()) {
        if (++owners % ownersAtOnce === 0) await pause()
        for (;;) {
          if (isStopped) return
          const end = clock.now() - keep
          const [oldest] = (await swept.page(owner, { max: 1 })).entries
          if (!oldest || oldest.at > end) break
          removed.inc(await swept.trim(owner, { end, max: entriesAtOnce }))
          await pause()
        }
      }
    }

    function pause(): Promise<void> {
      return new Promise((resolve) => void (cancel = clock.after(breath, resolve)))
    }

    return { cover }
  },
})
