import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { type MucItem, mucNs, readMucItem, writeMucItem } from './muc.ts'

export const mucAdminNs = `${mucNs}#admin`

/** XEP-0045 §8, §9: a list of users, the question for one, or changes of it. */
export interface MucAdmin {
  readonly items: readonly MucItem[]
}

/** `<query/>` of muc#admin. */
export const MucAdmin: Payload<MucAdmin> = {
  name: 'query',
  ns: mucAdminNs,
  read: (element) => ({
    items: element
      .elements()
      .filter(({ name, ns }) => name === 'item' && ns === mucAdminNs)
      .map(readMucItem),
  }),
  write: ({ items }) => xml('query', mucAdminNs, undefined, ...items.map((item) => writeMucItem(item, mucAdminNs))),
}
