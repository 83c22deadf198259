import { type StreamCondition, StreamError } from '../errors.ts'
import { xml } from './element.ts'

/** Text that a stream must not carry: it ends the stream with the condition given. */
export class XmlError extends StreamError {
  override readonly name = 'XmlError'
  declare readonly condition: Extract<
    StreamCondition,
    'bad-format' | 'not-well-formed' | 'policy-violation' | 'restricted-xml' | 'unsupported-encoding'
  >

  constructor(condition: XmlError['condition'], text: string) {
    // XEP-0205 §4 names the application condition; a peer that knows it need not guess which policy was violated.
    super(
      condition,
      text,
      condition === 'policy-violation' ? { application: xml('stanza-too-big', 'urn:xmpp:errors') } : {},
    )
  }
}
