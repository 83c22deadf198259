import * as z from 'zod'
import { duration } from '../config/fields.ts'
import { defineModule } from '../module.ts'
import { archive } from './archive.ts'
import { type Swept, sweep } from './sweep.ts'

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
    const { keep } = host.config
    const { log, trim } = host.use(archive)
    const logs = new Set<Swept>()
    const removed = host.metrics.counter('jackdaw_archive_expired_total', 'Messages removed because of their age')
    cover({ owners: () => log.owners(), page: (owner, query) => log.page(owner, query), trim })
    if (keep !== undefined) sweep(host, logs, keep, (count) => removed.inc(count))

    /** Lets a log of another module (the archives of rooms) be swept too; returns what ends that. */
    function cover(swept: Swept): () => void {
      logs.add(swept)
      return () => void logs.delete(swept)
    }

    return { cover }
  },
})
