import { createHash } from 'node:crypto'
import {
  avatarConversionFeature,
  AvatarData,
  avatarDataNs,
  AvatarMetadata,
  avatarMetadataNs,
  type Jid,
  parse,
  type Photo,
  unlimited,
} from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { pubsub } from './pubsub/pubsub.ts'
import { vcard } from './vcard.ts'

/** An avatar that is published at its node is in the vCard, too, and the other way round. */
export const avatars = defineModule({
  name: 'avatars',
  xeps: ['XEP-0398 1.0.0'],
  needs: [vcard, pubsub],
  features: { account: [avatarConversionFeature] },
  start(host) {
    const nodes = host.use(pubsub)
    const cards = host.use(vcard)

    host.onStop(
      nodes.watch({
        published: ({ service, node, payload }) => {
          if (isAvatar(service, node)) attempt(service, () => toCard(service, payload))
        },
        retracted: (service, node) => {
          if (isAvatar(service, node))
            attempt(service, () =>
              when(nodes.last(service, node), (last) => (last ? undefined : cards.setPhoto(service, undefined))),
            )
        },
      }),
    )

    host.onStop(
      cards.onPhoto((account, photo) => attempt(account, () => (photo ? toNode(account, photo) : hide(account)))),
    )

    /** §3.1 */
    function toCard(account: Jid, payload: string): Awaitable<void> {
      const infos = AvatarMetadata.read(parse(payload, unlimited))
      if (infos.length === 0) return cards.setPhoto(account, undefined)
      const info = infos.find(({ url }) => url === undefined)
      if (!info) return
      return when(nodes.config(account, avatarDataNs), (config) => {
        // §7: what everybody may see; a vCard has no closer rule of its own.
        if (config?.access_model !== 'open') return
        return when(nodes.items(account, avatarDataNs), (items) => {
          const item = items.find(({ id }) => id === info.id)
          const data = item?.payload && AvatarData.read(item.payload)
          if (data === undefined || digest(data) !== info.id.toLowerCase()) return
          return cards.setPhoto(account, { type: info.type, data })
        })
      })
    }

    /** §3.2 */
    function toNode(account: Jid, { type, data }: Photo): Awaitable<void> {
      const id = digest(data)
      const bytes = Buffer.byteLength(data, 'base64')
      const info = { id, bytes, type: type || typeOf(data) }
      // A vCard is as open as these: nodes that exist keep their own rules.
      const config = cards.isOpen ? ({ access_model: 'open' } as const) : {}
      return when(nodes.publish(account, avatarDataNs, { id, payload: AvatarData.write(data) }, config), () =>
        nodes.publish(account, avatarMetadataNs, { id, payload: AvatarMetadata.write([info]) }, config),
      )
    }

    /** XEP-0084 §3.5: the vCard shows no avatar any more. */
    function hide(account: Jid): Awaitable<void> {
      return when(nodes.last(account, avatarMetadataNs), (last) => {
        if (last?.payload && last.payload.elements().length > 0)
          return nodes.publish(account, avatarMetadataNs, { id: last.id, payload: AvatarMetadata.write([]) })
      })
    }

    /** Who has published the one has succeeded, whatever becomes of the other. */
    function attempt(account: Jid, convert: () => Awaitable<void>): void {
      const fail = (error: unknown) =>
        host.log.info({ err: error, account: account.toString() }, 'an avatar could not be converted')
      try {
        const wait = convert()
        if (wait instanceof Promise) wait.catch(fail)
      } catch (error) {
        fail(error)
      }
    }
  },
})

/** The service of the host has nodes, too. */
function isAvatar(service: Jid, node: string): boolean {
  return node === avatarMetadataNs && service.local !== undefined
}

function digest(data: string): string {
  return createHash('sha1').update(data, 'base64').digest('hex')
}

/** What the image's first bytes say. */
function typeOf(data: string): string {
  const start = Buffer.from(data.slice(0, 16), 'base64').toString('latin1')
  if (start.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (start.startsWith('GIF8')) return 'image/gif'
  if (start.startsWith('RIFF')) return 'image/webp'
  return 'image/png'
}
