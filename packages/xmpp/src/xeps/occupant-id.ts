import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const occupantIdNs = 'urn:xmpp:occupant-id:0'

/** `<occupant-id/>` (XEP-0421): tells users of a room apart without telling who they are. */
export const OccupantId: Payload<string> = {
  name: 'occupant-id',
  ns: occupantIdNs,
  read(element) {
    const id = element.attr('id')
    if (!id) throw new StanzaError('bad-request', 'An occupant-id needs an id')
    return id
  },
  write: (id) => xml('occupant-id', occupantIdNs, { id }),
}
