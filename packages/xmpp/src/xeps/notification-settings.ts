import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

const notificationSettingsNs = 'urn:xmpp:notification-settings:1'

const levels = ['always', 'on-mention', 'never'] as const
/** XEP-0492 §2.1: which messages of a chat its user wants to be told of. */
export type NotificationLevel = (typeof levels)[number]

/** XEP-0492 §2.2: a level, for all clients or for those of an identity (XEP-0030). */
export interface NotificationSetting {
  readonly level: NotificationLevel
  readonly category?: string | undefined
  /** Only with a category. */
  readonly type?: string | undefined
  /** §2.3: finer settings; kept as they are, also when not understood. */
  readonly advanced?: readonly Element[]
}

/** `<notify/>`, kept among the extensions of a bookmark (XEP-0402). */
export const NotificationSettings: Payload<readonly NotificationSetting[]> = {
  name: 'notify',
  ns: notificationSettingsNs,
  read: (element) =>
    element.elements().flatMap((child): NotificationSetting[] => {
      const level = levels.find((one) => one === child.name)
      if (!level || child.ns !== notificationSettingsNs) return []
      const category = child.attr('identity-category')
      const type = child.attr('identity-type')
      if (type !== undefined && category === undefined)
        throw new StanzaError('bad-request', 'An identity has a category before it has a type')
      const advanced = child.child('advanced')?.elements()
      return [{ level, category, type, ...(advanced && { advanced }) }]
    }),
  write: (settings) =>
    xml(
      'notify',
      notificationSettingsNs,
      undefined,
      ...settings.map(({ level, category, type, advanced }) =>
        xml(
          level,
          notificationSettingsNs,
          { 'identity-category': category, 'identity-type': type },
          advanced && xml('advanced', notificationSettingsNs, undefined, ...advanced),
        ),
      ),
    ),
}

/** XEP-0492 §3: the setting that is meant for a client of this identity, the most specific one; undefined when there is none. */
export function settingFor(
  settings: readonly NotificationSetting[],
  category: string,
  type: string,
): NotificationSetting | undefined {
  return (
    settings.find((one) => one.category === category && one.type === type) ??
    settings.find((one) => one.category === category && one.type === undefined) ??
    settings.find((one) => one.category === undefined)
  )
}
