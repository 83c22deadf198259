import { type BoshBody, parse, StreamError, xml } from '@jackdaw/xmpp'

const framingNs = 'urn:ietf:params:xml:ns:xmpp-framing'

/** XEP-0124 §17.2, those that are used here. */
export type TerminalCondition =
  | 'bad-request'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'item-not-found'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'remote-stream-error'
  | 'system-shutdown'

/** The end of a stream, as a stream reads it. */
export const closeElement = xml('close', framingNs).toString()

/** The header of a stream, as a stream reads it: BOSH has it in the attributes of a body (XEP-0206 §3, §5). */
export function openElement({ to, from, lang, version }: BoshBody): string {
  return xml('open', framingNs, { to, from, version, 'xml:lang': lang }).toString()
}

/** XEP-0206 §6: what a stream error is to BOSH. */
export function conditionOf(error: string | undefined): TerminalCondition | undefined {
  if (error === undefined) return undefined
  const wrapped = parse(`<a xmlns:stream='http://etherx.jabber.org/streams'>${error}</a>`)
  const { condition } = StreamError.from(wrapped.first()!)
  switch (condition) {
    case 'host-gone':
    case 'host-unknown':
    case 'improper-addressing':
    case 'system-shutdown':
      return condition
    default:
      return 'remote-stream-error'
  }
}
