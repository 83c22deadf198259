import { clientNs, streamNs } from './namespaces.ts'
import { Element, xml } from './xml/element.ts'

const stanzasNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const streamsNs = 'urn:ietf:params:xml:ns:xmpp-streams'
/** RFC 6120 §6: SASL negotiation and the conditions of its failure. */
export const saslNs = 'urn:ietf:params:xml:ns:xmpp-sasl'

/** RFC 6120 §8.3.2: what the sender can do about it. */
export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** RFC 6120 §8.3.3: each condition with the type it usually has. */
const stanzaConditions = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, ErrorType>
export type StanzaCondition = keyof typeof stanzaConditions

const errorTypes: readonly ErrorType[] = ['auth', 'cancel', 'continue', 'modify', 'wait']

/** RFC 6120 §4.9.3. */
const streamConditions = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'see-other-host',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const
export type StreamCondition = (typeof streamConditions)[number]

/** RFC 6120 §6.5. */
const saslConditions = [
  'aborted',
  'account-disabled',
  'credentials-expired',
  'encryption-required',
  'incorrect-encoding',
  'invalid-authzid',
  'invalid-mechanism',
  'malformed-request',
  'mechanism-too-weak',
  'not-authorized',
  'temporary-auth-failure',
] as const
export type SaslCondition = (typeof saslConditions)[number]

/** What may accompany a condition. */
export interface ErrorDetail {
  /** An application-specific condition (RFC 6120 §4.9.4, §8.3.4). */
  readonly application?: Element | undefined
  /** The text within the condition itself: the new address for `gone`, `redirect` and `see-other-host`. */
  readonly payload?: string | undefined
}

/** A stanza that cannot be handled (RFC 6120 §8.3). */
export class StanzaError extends Error {
  override readonly name = 'StanzaError'
  readonly condition: StanzaCondition
  readonly type: ErrorType
  /** For a human reader, in plain words. */
  readonly text: string | undefined
  readonly application: Element | undefined
  readonly payload: string | undefined
  /** What of the request the error is about, to be sent back before the error (RFC 6120 §8.3.1). */
  readonly echo: Element | undefined

  constructor(
    condition: StanzaCondition,
    text?: string,
    detail: ErrorDetail & { readonly type?: ErrorType; readonly echo?: Element } = {},
  ) {
    super(text ?? condition)
    this.condition = condition
    this.type = detail.type ?? stanzaConditions[condition]
    this.text = text
    this.application = detail.application
    this.payload = detail.payload
    this.echo = detail.echo
  }

  /** The error that an `<error/>`, or a stanza of type "error", tells of. */
  static from(element: Element): StanzaError {
    const error = element.name === 'error' ? element : element.child('error')
    // §8.3.3: what we do not know is to be treated as undefined-condition.
    if (!error) return new StanzaError('undefined-condition')
    const { condition, ...rest } = read(error, stanzasNs, stanzasNs)
    const type = errorTypes.find((one) => one === error.attr('type'))
    return new StanzaError(
      isStanzaCondition(condition) ? condition : 'undefined-condition',
      rest.text,
      type === undefined ? rest : { ...rest, type },
    )
  }

  /** `<error/>`, as it stands in a stanza. */
  toElement(): Element {
    return xml('error', clientNs, { type: this.type }, ...conditions(this, stanzasNs, stanzasNs))
  }
}

/** A stream that cannot go on (RFC 6120 §4.9). */
export class StreamError extends Error {
  override readonly name: string = 'StreamError'
  readonly condition: StreamCondition
  /** For a human reader, in plain words. */
  readonly text: string | undefined
  readonly application: Element | undefined
  readonly payload: string | undefined

  constructor(condition: StreamCondition, text?: string, detail: ErrorDetail = {}) {
    super(text ?? condition)
    this.condition = condition
    this.text = text
    this.application = detail.application
    this.payload = detail.payload
  }

  /** The error that a `<stream:error/>` tells of. */
  static from(element: Element): StreamError {
    const { condition, ...rest } = read(element, streamsNs, streamsNs)
    return new StreamError(streamConditions.find((one) => one === condition) ?? 'undefined-condition', rest.text, rest)
  }

  /** `<stream:error/>`. */
  toElement(): Element {
    return xml('error', streamNs, undefined, ...conditions(this, streamsNs, streamsNs))
  }
}

/** An authentication that failed (RFC 6120 §6.5). */
export class SaslError extends Error {
  override readonly name = 'SaslError'
  readonly condition: SaslCondition
  /** For a human reader, in plain words. */
  readonly text: string | undefined
  readonly application: Element | undefined

  constructor(condition: SaslCondition, text?: string, detail: { readonly application?: Element | undefined } = {}) {
    super(text ?? condition)
    this.condition = condition
    this.text = text
    this.application = detail.application
  }

  /** The error that a `<failure/>`, of RFC 6120 or of XEP-0388, tells of. */
  static from(element: Element): SaslError {
    const { condition, ...rest } = read(element, saslNs, element.ns)
    // §6.5: an unknown condition is a failure like any other.
    return new SaslError(saslConditions.find((one) => one === condition) ?? 'not-authorized', rest.text, rest)
  }

  /** `<failure/>`; `ns` is XEP-0388's when that carries the exchange. */
  toElement(ns: string = saslNs): Element {
    return xml('failure', ns, undefined, ...conditions(this, saslNs, ns))
  }
}

interface Described extends ErrorDetail {
  readonly condition: string
  readonly text: string | undefined
}

/** RFC 6120 §4.9.2, §8.3.2: the texts are ours and in English, whatever the language of the stream. */
function conditions(error: Described, ns: string, textNs: string): (Element | undefined)[] {
  return [
    xml(error.condition, ns, undefined, error.payload),
    error.text === undefined ? undefined : xml('text', textNs, { 'xml:lang': 'en' }, error.text),
    error.application,
  ]
}

function read(element: Element, ns: string, textNs: string) {
  let condition: Element | undefined
  let text: string | undefined
  let application: Element | undefined
  for (const child of element.elements()) {
    if (child.name === 'text' && child.ns === textNs) text ??= child.text
    else if (child.ns === ns) condition ??= child
    else application ??= child
  }
  return { condition: condition?.name, text, application, payload: condition?.text || undefined }
}

function isStanzaCondition(name: string | undefined): name is StanzaCondition {
  return name !== undefined && Object.hasOwn(stanzaConditions, name)
}
