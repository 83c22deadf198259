import { xml } from '@jackdaw/xmpp'
import type { StreamFeature } from './features.ts'

const ns = 'urn:ietf:params:xml:ns:xmpp-tls'

/** RFC 6120 §5 */
export const starttls: StreamFeature = {
  name: 'STARTTLS',
  ns,
  forbids: ['secure', 'authenticated'],
  offer: ({ transport, host }) =>
    transport.canStartTls ? xml('starttls', ns, {}, host!.allowsPlaintext(transport.address) ? undefined : xml('required', ns)) : undefined,
  async negotiate(stream, element) {
    // §5.4.2.2
    if (element.name !== 'starttls' || !stream.transport.canStartTls) {
      stream.send(xml('failure', ns))
      return stream.finish()
    }
    stream.send(xml('proceed', ns))
    await stream.secure()
  },
}
