import { StanzaError } from '../errors.ts'
import { Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const formsNs = 'jabber:x:data'

const formTypes = ['form', 'submit', 'cancel', 'result'] as const
const fieldTypes = [
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
] as const

/** XEP-0004 §3.3. */
export type FieldType = (typeof fieldTypes)[number]

/** XEP-0004 §3.2: one question, one answer, or both. */
export interface Field {
  /** Its name; only a 'fixed' field may lack one. */
  readonly var?: string | undefined
  /** In an answer it may be missing: it follows from the question. */
  readonly type?: FieldType | undefined
  readonly label?: string | undefined
  readonly desc?: string | undefined
  readonly isRequired?: boolean | undefined
  readonly values?: readonly string[]
  readonly options?: readonly { readonly label?: string | undefined; readonly value: string }[]
  /** What other extensions add: XEP-0122 validation, XEP-0221 media. */
  readonly extensions?: readonly Element[]
}

/** XEP-0004 §3. */
export interface Form {
  readonly type: (typeof formTypes)[number]
  readonly title?: string | undefined
  readonly instructions?: readonly string[]
  readonly fields?: readonly Field[]
  /** §3.4: the head and the rows of a result that is a table. */
  readonly reported?: readonly Field[] | undefined
  readonly items?: readonly (readonly Field[])[]
}

/** `<x/>` of XEP-0004. */
export const Form: Payload<Form> = { name: 'x', ns: formsNs, read: readForm, write: writeForm }

/** The values of the field of that name; undefined when the form has no such field. */
export function fieldValues(of: Form, name: string): readonly string[] | undefined {
  const field = of.fields?.find((one) => one.var === name)
  return field && (field.values ?? [])
}

/** XEP-0068: what the form is for, the value of its hidden field FORM_TYPE. */
export function formType(of: Form): string | undefined {
  return fieldValues(of, 'FORM_TYPE')?.[0]
}

/** The hidden field that says what a form is for. */
export function formTypeField(ns: string): Field {
  return { var: 'FORM_TYPE', type: 'hidden', values: [ns] }
}

/** XEP-0004 §3.3: the value of a boolean field, as XML Schema writes it. @throws StanzaError not-acceptable */
export function booleanValue(value: string): boolean {
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw new StanzaError('not-acceptable', `${value} is neither true nor false`)
}

function readForm(element: Element): Form {
  const type = formTypes.find((one) => one === element.attr('type'))
  if (!type) throw new StanzaError('bad-request', 'A form needs a type')
  const reported = element.child('reported')
  return {
    type,
    title: element.child('title')?.text,
    instructions: texts(element, 'instructions'),
    fields: fieldsIn(element),
    reported: reported && fieldsIn(reported),
    items: children(element, 'item').map(fieldsIn),
  }
}

function writeForm({ type, title, instructions = [], fields = [], reported, items = [] }: Form): Element {
  return xml(
    'x',
    formsNs,
    { type },
    title === undefined ? undefined : leaf('title', title),
    ...instructions.map((text) => leaf('instructions', text)),
    ...fields.map(writeField),
    reported && new Element('reported', formsNs, [], reported.map(writeField)),
    ...items.map((item) => new Element('item', formsNs, [], item.map(writeField))),
  )
}

function fieldsIn(element: Element): Field[] {
  return children(element, 'field').map(readField)
}

function readField(element: Element): Field {
  // An unknown type is to be treated as text-single, the default (§3.3).
  const type = fieldTypes.find((one) => one === element.attr('type'))
  return {
    var: element.attr('var'),
    type,
    label: element.attr('label'),
    desc: element.child('desc')?.text,
    isRequired: element.child('required') !== undefined,
    values: texts(element, 'value'),
    options: children(element, 'option').map((option) => ({
      label: option.attr('label'),
      value: option.child('value')?.text ?? '',
    })),
    extensions: element.elements().filter((child) => child.ns !== formsNs),
  }
}

function writeField(field: Field): Element {
  return xml(
    'field',
    formsNs,
    { var: field.var, type: field.type, label: field.label },
    field.desc === undefined ? undefined : leaf('desc', field.desc),
    field.isRequired ? xml('required', formsNs) : undefined,
    ...(field.values ?? []).map((value) => leaf('value', value)),
    ...(field.options ?? []).map(({ label, value }) => xml('option', formsNs, { label }, leaf('value', value))),
    ...(field.extensions ?? []),
  )
}

function children(element: Element, name: string): Element[] {
  return element.elements().filter((child) => child.name === name && child.ns === formsNs)
}

function texts(element: Element, name: string): string[] {
  return children(element, name).map((child) => child.text)
}

function leaf(name: string, text: string): Element {
  return xml(name, formsNs, undefined, text)
}
