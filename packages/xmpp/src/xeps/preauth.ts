import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

/** XEP-0379: a token stands in a subscription request; XEP-0445: or before a registration. */
export const parsNs = 'urn:xmpp:pars:0'

/** XEP-0445 §3: in the stream features of a server at which who has a token may register. */
export const ibrTokenFeature = xml('register', 'urn:xmpp:ibr-token:0')

/** `<preauth/>`: somebody was invited. Reading throws a StanzaError bad-request when there is no token. */
export const Preauth: Payload<{ readonly token: string }> = {
  name: 'preauth',
  ns: parsNs,
  read(element) {
    const token = element.attr('token')
    if (token === undefined) throw new StanzaError('bad-request', 'An invitation has a token')
    return { token }
  },
  write: ({ token }) => xml('preauth', parsNs, { token }),
}
