import { xml } from '@jackdaw/xmpp'
import type { StreamFeature } from './features.ts'
import type { Stream } from './stream.ts'

const ns = 'urn:ietf:params:xml:ns:xmpp-tls'

const optional = xml('starttls', ns)
const required = xml('starttls', ns, {}, xml('required', ns))

/** RFC 6120 §5 */
export const starttls: StreamFeature = {
  name: 'STARTTLS',
  ns,
  offer: (stream) => {
    if (!isPossible(stream)) return undefined
    return stream.host!.allowsPlaintext(stream.transport.address) ? optional : required
  },
  async negotiate(stream, element) {
    // §5.4.2.2: a command that is none, or one that was not offered.
    if (element.name !== 'starttls' || !isPossible(stream)) {
      stream.send(xml('failure', ns))
      return stream.finish()
    }
    stream.send(xml('proceed', ns))
    await stream.secure()
  },
}

function isPossible(stream: Stream): boolean {
  return stream.transport.canStartTls && !stream.has('authenticated')
}
