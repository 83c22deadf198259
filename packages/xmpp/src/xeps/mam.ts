import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { openValidation } from './form-validation.ts'
import { booleanValue, type Field, Form, formType, formTypeField } from './forms.ts'
import { Forwarded } from './forwarding.ts'
import { jidValue } from './jid-value.ts'
import { RsmRequest, RsmResult } from './rsm.ts'

export const mamNs = 'urn:xmpp:mam:2'

/** XEP-0313 §4.1: which messages are asked for. */
export interface MamFilter {
  readonly with?: Jid | undefined
  /** Not earlier and not later than this, milliseconds since the Unix epoch. */
  readonly start?: number | undefined
  readonly end?: number | undefined
  readonly beforeId?: string | undefined
  readonly afterId?: string | undefined
  readonly ids?: readonly string[] | undefined
  readonly includeGroupchat?: boolean | undefined
  /** Fields that other extensions define, with their values. */
  readonly others?: ReadonlyMap<string, readonly string[]>
}

/** XEP-0313 §4. */
export interface MamQuery extends MamFilter {
  readonly queryId?: string | undefined
  /** XEP-0442: a publish-subscribe node. */
  readonly node?: string | undefined
  readonly set?: RsmRequest | undefined
  /** §4.3.4: the page is sent in reverse order. */
  readonly isFlipped?: boolean | undefined
}

/** XEP-0313 §4.2: one archived message. */
export interface MamResult {
  readonly queryId?: string | undefined
  readonly id: string
  readonly forwarded: Forwarded
}

/** XEP-0313 §4.3.2: the end of a page. */
export interface MamFin {
  readonly isComplete: boolean
  /** False when a later query may give something else. */
  readonly isStable: boolean
  readonly set: RsmResult
}

/** XEP-0313 §5: the first and the last message of an archive; undefined when it is empty. */
export type MamMetadata = { readonly start: MamMark; readonly end: MamMark } | undefined
export interface MamMark {
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
}

/** `<query/>` of type 'set'. */
export const MamQuery: Payload<MamQuery> = {
  name: 'query',
  ns: mamNs,
  read(element) {
    const set = element.child(RsmRequest.name, RsmRequest.ns)
    return {
      queryId: element.attr('queryid'),
      node: element.attr('node'),
      ...readMamFilter(element),
      set: set && RsmRequest.read(set),
      isFlipped: element.child('flip-page') !== undefined,
    }
  },
  write(query) {
    const { queryId, node, set, isFlipped } = query
    return xml(
      'query',
      mamNs,
      { queryid: queryId, node },
      writeMamFilter(query),
      set && RsmRequest.write(set),
      isFlipped ? xml('flip-page', mamNs) : undefined,
    )
  },
}

/** `<query/>` of type 'get' (§4.1.5): without a form the question, with one the answer. */
export const MamForm: Payload<Form | undefined> = {
  name: 'query',
  ns: mamNs,
  read(element) {
    const child = element.child(Form.name, Form.ns)
    return child && Form.read(child)
  },
  write: (fields) => xml('query', mamNs, undefined, fields && Form.write(fields)),
}

/** `<result/>`. */
export const MamResult: Payload<MamResult> = {
  name: 'result',
  ns: mamNs,
  read(element) {
    const child = element.child(Forwarded.name, Forwarded.ns)
    if (!child) throw new StanzaError('bad-request', 'A result forwards a message')
    return { queryId: element.attr('queryid'), id: required(element, 'id'), forwarded: Forwarded.read(child) }
  },
  write: ({ queryId, id, forwarded: message }) =>
    xml('result', mamNs, { queryid: queryId, id }, Forwarded.write(message)),
}

/** `<fin/>`. */
export const MamFin: Payload<MamFin> = {
  name: 'fin',
  ns: mamNs,
  read(element) {
    const set = element.child(RsmResult.name, RsmResult.ns)
    return {
      isComplete: isTrue(element, 'complete', false),
      isStable: isTrue(element, 'stable', true),
      set: set ? RsmResult.read(set) : {},
    }
  },
  write: ({ isComplete, isStable, set }) =>
    xml(
      'fin',
      mamNs,
      { complete: isComplete ? 'true' : undefined, stable: isStable ? undefined : 'false' },
      RsmResult.write(set),
    ),
}

/** `<metadata/>`. */
export const MamMetadata: Payload<MamMetadata> = {
  name: 'metadata',
  ns: mamNs,
  read(element) {
    const start = element.child('start')
    const end = element.child('end')
    return start && end && { start: readMark(start), end: readMark(end) }
  },
  write: (of) => xml('metadata', mamNs, undefined, of && writeMark('start', of.start), of && writeMark('end', of.end)),
}

/** What `<query/>` may ask for (§4.1.5); the fields of `others` are added by whoever answers them. */
export const mamFields: Form = {
  type: 'form',
  fields: [
    formTypeField(mamNs),
    { var: 'with', type: 'jid-single' },
    { var: 'start', type: 'text-single' },
    { var: 'end', type: 'text-single' },
    { var: 'before-id', type: 'text-single' },
    { var: 'after-id', type: 'text-single' },
    { var: 'ids', type: 'list-multi', extensions: [openValidation()] },
    { var: 'include-groupchat', type: 'boolean' },
  ],
}

/** What the form within an element asks for; everything when there is none. @throws StanzaError bad-request */
export function readMamFilter(element: Element): MamFilter {
  const submitted = element.child(Form.name, Form.ns)
  return submitted ? filterOf(Form.read(submitted)) : {}
}

/** The form that asks for this; undefined when it asks for everything. */
export function writeMamFilter(filter: MamFilter): Element | undefined {
  const fields = fieldsOf(filter)
  if (fields.length === 0) return undefined
  return Form.write({ type: 'submit', fields: [formTypeField(mamNs), ...fields] })
}

function filterOf(submitted: Form): MamFilter {
  if (submitted.type !== 'submit' || formType(submitted) !== mamNs)
    throw new StanzaError('bad-request', `The form must be a submission with the FORM_TYPE ${mamNs}`)
  const others = new Map<string, readonly string[]>()
  const known: Known = { others }
  for (const { var: name, values = [] } of submitted.fields ?? []) {
    if (name === undefined || name === 'FORM_TYPE') continue
    const [value] = values
    if (name === 'ids') known.ids = values
    else if (!isFilter(name)) others.set(name, values)
    // XEP-0004 §3.6: a field without a value asks for nothing.
    else if (value) readers[name](known, value)
  }
  return known
}

type Known = { -readonly [K in keyof MamFilter]: MamFilter[K] }
const readers = {
  with: (known: Known, value: string) => void (known.with = jidValue(value)),
  start: (known: Known, value: string) => void (known.start = parseDateTime(value)),
  end: (known: Known, value: string) => void (known.end = parseDateTime(value)),
  'before-id': (known: Known, value: string) => void (known.beforeId = value),
  'after-id': (known: Known, value: string) => void (known.afterId = value),
  'include-groupchat': (known: Known, value: string) => void (known.includeGroupchat = booleanValue(value)),
}

function isFilter(name: string): name is keyof typeof readers {
  return Object.hasOwn(readers, name)
}

function fieldsOf({ with: jid, start, end, beforeId, afterId, ids, includeGroupchat, others }: MamFilter): Field[] {
  const single: [string, string | undefined][] = [
    ['with', jid?.toString()],
    ['start', start === undefined ? undefined : formatDateTime(start)],
    ['end', end === undefined ? undefined : formatDateTime(end)],
    ['before-id', beforeId],
    ['after-id', afterId],
    ['include-groupchat', includeGroupchat?.toString()],
  ]
  const fields: Field[] = []
  for (const [name, value] of single) if (value !== undefined) fields.push({ var: name, values: [value] })
  if (ids) fields.push({ var: 'ids', values: ids })
  for (const [name, values] of others ?? []) fields.push({ var: name, values })
  return fields
}

function readMark(element: Element): MamMark {
  return { id: required(element, 'id'), timestamp: parseDateTime(required(element, 'timestamp')) }
}

function writeMark(name: string, { id, timestamp }: MamMark): Element {
  return xml(name, mamNs, { id, timestamp: formatDateTime(timestamp) })
}

function required(element: Element, name: string): string {
  const value = element.attr(name)
  if (value === undefined) throw new StanzaError('bad-request', `A ${element.name} needs the attribute ${name}`)
  return value
}

function isTrue(element: Element, name: string, otherwise: boolean): boolean {
  const value = element.attr(name)
  return value === undefined ? otherwise : value === 'true' || value === '1'
}
