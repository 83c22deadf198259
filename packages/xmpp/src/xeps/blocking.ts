import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { jidValue } from './jid-value.ts'
import { readReport, type Report, writeReport } from './reporting.ts'

export const blockingNs = 'urn:xmpp:blocking'

/** XEP-0191 §3: whom an account wants nothing to do with: a resource, an account, or everybody of a domain (§6). */
export interface BlockItem {
  readonly jid: Jid
  /** XEP-0377 */
  readonly report?: Report | undefined
}

/** `<blocklist/>` (§3.2): all that are blocked; empty in a request. */
export const Blocklist: Payload<readonly BlockItem[]> = payload('blocklist')

/** `<block/>` (§3.3), also as a push. Reading throws a StanzaError bad-request when it names nobody. */
export const Block: Payload<readonly BlockItem[]> = {
  ...payload('block'),
  read(element) {
    const items = readItems(element)
    if (items.length === 0) throw new StanzaError('bad-request', 'Nobody is named who is to be blocked')
    return items
  },
}

/** `<unblock/>` (§3.4), also as a push; one that names nobody means all (§3.5). */
export const Unblock: Payload<readonly BlockItem[]> = payload('unblock')

/** §3.3: what who blocks an entity is told when it writes to it nevertheless. */
export function blockedError(): StanzaError {
  return new StanzaError('not-acceptable', 'You have blocked this address', {
    type: 'cancel',
    application: xml('blocked', 'urn:xmpp:blocking:errors'),
  })
}

function payload(name: string): Payload<readonly BlockItem[]> {
  return {
    name,
    ns: blockingNs,
    read: readItems,
    write: (items) =>
      xml(
        name,
        blockingNs,
        undefined,
        ...items.map(({ jid, report }) =>
          xml('item', blockingNs, { jid: jid.toString() }, report && writeReport(report)),
        ),
      ),
  }
}

function readItems(element: Element): BlockItem[] {
  return element
    .elements()
    .filter(({ name, ns }) => name === 'item' && ns === blockingNs)
    .map((item) => {
      const jid = item.attr('jid')
      if (jid === undefined) throw new StanzaError('bad-request', 'An item needs a jid')
      return { jid: jidValue(jid), report: readReport(item) }
    })
}
