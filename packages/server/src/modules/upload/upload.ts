import {
  DiscoInfo,
  discoInfoNs,
  DiscoItems,
  discoItemsNs,
  httpUploadNs,
  Jid,
  Ping,
  pingNs,
  StanzaError,
  uploadForm,
  uploadPurposeNs,
  UploadRequest,
  UploadSlot,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { duration, httpsOrigin, size, subdomain } from '../../config/fields.ts'
import { defineModule, map } from '../../module.ts'
import { hostMeta } from '../host-meta.ts'
import { download } from './download.ts'
import { type FileRecord, Ledger, type Owned, type Usage } from './ledger.ts'
import { encodeName } from './media-type.ts'
import { notAllowed, preflight, reply } from './responses.ts'
import { Retention } from './retention.ts'
import { Slots } from './slots.ts'
import { mayWrite, Uploads } from './uploads.ts'
import { Vault } from './vault.ts'

const name = 'HTTP File Upload'
const features = [discoInfoNs, discoItemsNs, pingNs]
const uploadFeatures = [httpUploadNs, `${uploadPurposeNs}#message`]

/** Files that users put by HTTP, for whoever has the URL. */
export const upload = defineModule({
  name: 'upload',
  xeps: ['XEP-0363 1.2.0'],
  needs: [hostMeta],
  config: z.object({
    subdomain: subdomain('upload'),
    url: httpsOrigin()
      .optional()
      .describe(
        'Where files are put and found, such as `https://files.example.org`; a name that has nothing else keeps them farthest from all that is yours. Unless it is set, the `url` of host-meta or the HTTPS port under the name of the host.',
      ),
    maxFileSize: size({ min: '1 KiB' }).describe('The largest file.').prefault('100 MiB'),
    quota: size({ min: '1 KiB' }).describe('All files of one account together.').prefault('1 GiB'),
    keep: duration({ min: '10 min', max: '36500 d' }).describe('How long a file is kept.').prefault('90 d'),
  }),
  stores: { files: map<FileRecord>(), owned: map<Owned>(), usage: map<Usage>(), doomed: map<true>() },
  async start(host) {
    const { clock, config, domain, folder, log, metrics, random } = host
    if (folder === undefined) return undefined
    const { origin } = host.use(hostMeta)
    const received = metrics.counter('jackdaw_upload_bytes_total', 'Bytes of files that came')
    const completed = metrics.counter('jackdaw_upload_files_total', 'Files that came as a whole')
    const rejected = metrics.counter(
      'jackdaw_upload_rejected_total',
      'Slots and files refused, and files that broke off',
    )
    const read = metrics.counter('jackdaw_upload_downloads_total', 'Files and parts of files that were fetched')
    const expired = metrics.counter(
      'jackdaw_upload_expired_total',
      'Slots and files removed because their time was over',
    )
    const ledger = new Ledger(host.stores, (id, { account, name: called, size: bytes, type }) =>
      host.tell('file:uploaded', { account, id, name: called, size: bytes, type: type ?? '' }),
    )
    const vault = new Vault(folder)
    const uploads = new Uploads({
      ledger,
      vault,
      clock,
      kept: () => host.kept(),
      onBytes: (count) => received.inc(count),
    })
    const retention = new Retention({
      ledger,
      uploads,
      clock,
      keep: config.keep,
      onRemoved: () => expired.inc(),
      onFault: (error) => log.error({ err: error }, 'old files could not be removed'),
    })
    const slots = new Slots({
      ledger,
      vault,
      clock,
      random,
      config,
      roles: host.roles,
      expire: (account) => retention.expire(account),
    })
    metrics.gauge('jackdaw_upload_coming', 'Files that are coming at present', () => uploads.size)

    await vault.prepare()
    await uploads.recover()
    host.onStop(() => uploads.close())
    host.onStop(() => retention.stop())
    retention.begin()

    const service = host.serve(config.subdomain, { name })
    service.answer('get', 'domain', UploadRequest, async ({ sender, payload }) => {
      try {
        if (!sender || !mayUpload(sender.account) || !(await host.accounts.exists(sender.account)))
          throw new StanzaError('forbidden', 'You may not upload files here')
        const base = config.url ?? origin()
        if (base === undefined)
          throw new StanzaError('service-unavailable', 'No address is known at which files are found')
        const slot = await slots.give(sender.account, payload, () => host.session(sender.jid) !== undefined)
        const get = `${base}${path}${slot.id}/${encodeName(slot.name)}`
        return UploadSlot.write({ get, put: `${get}?${slot.token}` })
      } catch (error) {
        rejected.inc()
        throw error
      }
    })
    // §6: nobody else's quota would bound what others upload.
    const mayUpload = (who: Jid) => who.domain === domain.domain && host.roles.may(who, 'upload')
    service.answer('get', 'domain', DiscoInfo, ({ payload: { node }, from }) => {
      if (node !== undefined) throw new StanzaError('item-not-found', `There is no node ${node}`)
      return DiscoInfo.write({
        identities: [{ category: 'store', type: 'file', name }],
        ...(mayUpload(from)
          ? { features: [...features, ...uploadFeatures], forms: [uploadForm(slots.largest(from))] }
          : { features, forms: [] }),
      })
    })
    service.answer('get', 'domain', DiscoItems, ({ payload: { node } }) => {
      if (node !== undefined) throw new StanzaError('item-not-found', `There is no node ${node}`)
      return DiscoItems.write({ items: [] })
    })
    service.answer('get', 'domain', Ping, () => {})

    // Each host has a path of its own: a proxy may ask by another name than that of the host.
    const path = `/upload/${URL.parse(`https://${domain.domain}`)?.hostname ?? domain.domain}/`
    host.http(path, async (request, { acceptBody }) => {
      const id = idIn(new URL(request.url).pathname.slice(path.length))
      if (request.method === 'OPTIONS') return preflight()
      const record = id === undefined ? undefined : await ledger.file(id)
      if (id === undefined || record === undefined) {
        if (request.method === 'PUT') rejected.inc()
        return reply(404)
      }
      switch (request.method) {
        case 'GET':
        case 'HEAD': {
          const response = await download(id, record, request, vault)
          if (response.ok && response.body) read.inc()
          return response
        }
        case 'PUT': {
          if (host.accounts.isDisabled(Jid.parse(record.account))) return reply(404)
          const response = await uploads.put(id, record, request, acceptBody)
          ;(response.status === 201 ? completed : rejected).inc()
          return response
        }
        case 'DELETE':
          if (!mayWrite(record, request)) return reply(404)
          await uploads.remove(id)
          return new Response(null, { status: 204, headers: preflight().headers })
        default:
          return notAllowed()
      }
    })

    host.on('account:removed', async ({ account }) => {
      const ids = [...(await ledger.owned(account.toString())).keys()]
      // All at once: then none of it is there any more for whoever has the URL.
      for (const id of ids) await ledger.remove(id)
      await host.kept()
      for (const id of ids) await uploads.bury(id)
    })

    return { ledger }
  },
})

/** The id in what stands behind the path, `id/name`; undefined when it is none. */
function idIn(rest: string): string | undefined {
  return /^([0-9a-f]{40})\/[^/]+$/.exec(rest)?.[1]
}
