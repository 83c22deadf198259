import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

/** XEP-0084 §4: the nodes of avatars, and the namespaces of what is published there. */
export const avatarDataNs = 'urn:xmpp:avatar:data'
export const avatarMetadataNs = 'urn:xmpp:avatar:metadata'

/** XEP-0398 §2: the account's vCard and its avatar node have the same image. */
export const avatarConversionFeature = 'urn:xmpp:pep-vcard-conversion:0'

/** One format in which an avatar is there (XEP-0084 §4.2.1). */
export interface AvatarInfo {
  /** SHA-1 of the image, hexadecimal; the id of its item at the data node. */
  readonly id: string
  readonly bytes: number
  /** The content type. */
  readonly type: string
  readonly width?: string | undefined
  readonly height?: string | undefined
  /** Where it is, when that is not at the data node. */
  readonly url?: string | undefined
}

/** `<metadata/>`: the formats of the avatar; none: no avatar is shown (§3.5). */
export const AvatarMetadata: Payload<readonly AvatarInfo[]> = {
  name: 'metadata',
  ns: avatarMetadataNs,
  read(element) {
    return element
      .elements()
      .filter(({ name, ns }) => name === 'info' && ns === avatarMetadataNs)
      .map((info) => {
        const [id, bytes, type] = ['id', 'bytes', 'type'].map((name) => info.attr(name))
        if (id === undefined || type === undefined || !/^\d+$/.test(bytes ?? ''))
          throw new StanzaError('bad-request', 'An avatar has an id, a type and a number of bytes')
        const [width, height, url] = ['width', 'height', 'url'].map((name) => info.attr(name))
        return { id, bytes: Number(bytes), type, width, height, url }
      })
  },
  write: (infos) =>
    xml(
      'metadata',
      avatarMetadataNs,
      undefined,
      ...infos.map(({ id, bytes, type, width, height, url }) =>
        xml('info', avatarMetadataNs, { bytes: String(bytes), id, type, width, height, url }),
      ),
    ),
}

/** `<data/>`: the image as base64 without white space. */
export const AvatarData: Payload<string> = {
  name: 'data',
  ns: avatarDataNs,
  read: (element) => element.text.replace(/\s+/g, ''),
  write: (data) => xml('data', avatarDataNs, undefined, data),
}
