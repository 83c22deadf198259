import {
  fullTextField,
  fullTextNs,
  isArchived,
  type Jid,
  MamFin,
  mamFields,
  MamForm,
  MamMetadata,
  mamNs,
  MamQuery,
  MamResult,
  type Message,
  message,
  StanzaError,
  StanzaId,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { size } from '../config/fields.ts'
import { defineModule, type Passage, type Target } from '../module.ts'
import type { LogEntry } from '../storage/storage.ts'
import { archive, isForAccount, messageOf } from './archive.ts'
import { checkFields, extentOf, findPage, finOf, known } from './archive-search.ts'
import { stanzaId } from './stanza-id.ts'

/** Every account's archive of its one-to-one messages. */
export const mam = defineModule({
  name: 'mam',
  xeps: ['XEP-0313 1.1.3', 'XEP-0059 1.0', 'XEP-0334 1.0.0', 'XEP-0249 1.2', 'XEP-0431 0.2.0'],
  needs: [archive, stanzaId],
  features: { account: [mamNs, `${mamNs}#extended`, `${mamNs}#groupchat-field`] },
  config: z.object({
    page: z.int().min(1).max(10_000).default(100).describe('Most messages given in answer to one query.'),
    pageBytes: size({ min: '64 KiB', max: '64 MiB' })
      .prefault('1 MiB')
      .describe('Most bytes of messages given in answer to one query; the first message may be longer.'),
  }),
  start(host) {
    const { log, keep, allows, isSearchable } = host.use(archive)
    const more = isSearchable ? [fullTextField] : []
    if (isSearchable) host.feature('account', fullTextNs)

    const taken = host.metrics.histogram(
      'jackdaw_archive_query_seconds',
      'How long pages of archives of accounts took to be found',
      [0.005, 0.02, 0.1, 0.5, 2, 10],
    )

    host.hook('message:out', 'store', (passage) => {
      const { stanza } = passage
      const account = stanza.from!.bare
      const other = stanza.to ?? account
      // §6.1.1: once only. What an account sends to itself is kept where it arrives.
      if (other.bare.equals(account) || !isArchived(stanza)) return
      const allowed = allows(account, other)
      if (allowed instanceof Promise)
        return allowed.then((is) => {
          if (is) keep(passage, account, other)
        })
      if (allowed) keep(passage, account, other)
    })

    host.hook('message:in', 'store', (passage) => {
      const { stanza, recipients } = passage
      const account = (stanza.to ?? stanza.from!).bare
      if (account.local === undefined || !isArchived(stanza)) return
      // §6.1: what is refused is not kept.
      if (recipients.size === 0 && !isForAccount(stanza)) return
      const allowed = allows(account, stanza.from!)
      if (allowed instanceof Promise)
        return allowed.then((is) => {
          if (is) receive(passage, account)
        })
      if (allowed) receive(passage, account)
    })

    function receive(passage: Passage<Message>, account: Jid): void {
      const { stanza, recipients } = passage
      if (recipients.size === 0) passage.isKept = true
      const id = keep(passage, account, stanza.from!)
      passage.stanza = stanza.append(StanzaId.write({ id, by: account }))
    }

    host.answer('set', 'account', MamQuery, async ({ payload: query, to, sender, isOwn }) => {
      const session = own(sender, isOwn)
      if (query.node !== undefined) throw new StanzaError('feature-not-implemented', 'An account has no archived nodes')
      checkFields(query, more)
      const began = host.clock.now()
      const page = await known(() => findPage(log, to.toString(), query, host))
      taken.observe((host.clock.now() - began) / 1000)
      for (const entry of query.isFlipped ? page.entries.toReversed() : page.entries)
        session.deliver(result(entry, query.queryId, session))
      return MamFin.write(finOf(page))
    })

    host.answer('get', 'account', MamForm, ({ sender, isOwn }) => {
      own(sender, isOwn)
      return MamForm.write({ ...mamFields, fields: [...mamFields.fields!, ...more] })
    })

    // XEP-0386 §3.2
    host.streamFeature({
      name: 'extent of the archive',
      binding: {
        async prepare(account) {
          const extent = await extentOf(log, account.toString())
          return () => MamMetadata.write(extent)
        },
      },
    })

    host.answer('get', 'account', MamMetadata, async ({ to, sender, isOwn }) => {
      own(sender, isOwn)
      return MamMetadata.write(await extentOf(log, to.toString()))
    })
  },
})

/** §8.1: an archive is read by its owner alone. */
function own(sender: Target | undefined, isOwn: boolean): Target {
  if (!sender || !isOwn) throw new StanzaError('forbidden', 'This is not your archive')
  return sender
}

function result(entry: LogEntry<string>, queryId: string | undefined, { jid, account }: Target): Message {
  const forwarded = { delay: { stamp: entry.at }, stanza: messageOf(entry) }
  return message({ to: jid, from: account }, MamResult.write({ queryId, id: entry.id, forwarded }))
}
