import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const privateNs = 'jabber:iq:private'

/** `<query/>` of XEP-0049: what a client keeps on its server; in a request each element stands for the one of its name and namespace. */
export const PrivateQuery: Payload<readonly Element[]> = {
  name: 'query',
  ns: privateNs,
  read: (element) => element.elements(),
  write: (elements) => xml('query', privateNs, undefined, ...elements),
}
