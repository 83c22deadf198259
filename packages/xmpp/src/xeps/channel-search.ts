import { type ErrorType, type StanzaCondition, StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { booleanValue, fieldValues, Form, formType, formTypeField } from './forms.ts'
import { RsmRequest, RsmResult } from './rsm.ts'

const base = 'urn:xmpp:channel-search:0'
export const channelSearchNs = `${base}:search`
const paramsNs = `${base}:search-params`
const errorNs = `${base}:error`
/** XEP-0433 §5.1: how results are sorted: by address, or by the number of users, the greatest first. */
export const channelOrders = { address: `{${base}:order}address`, users: `{${base}:order}nusers` } as const

/** XEP-0433 §4.2.2: what is looked for. */
export interface ChannelQuery {
  /** Words; undefined: all channels. */
  readonly text: string | undefined
  /** Where the words are looked for. */
  readonly within: { readonly name: boolean; readonly description: boolean; readonly address: boolean }
  readonly minUsers: number
  readonly order: keyof typeof channelOrders
  /** False: only of kinds that are no rooms. */
  readonly hasRooms: boolean
  readonly set: RsmRequest
}

/** XEP-0433 §5.2: a channel that was found. */
export interface Channel {
  readonly address: Jid
  readonly name: string
  readonly description: string
  readonly language: string
  readonly users: number
  /** Whether everybody may enter. */
  readonly isOpen: boolean
  /** Whether occupants see one another's addresses. */
  readonly isNonAnonymous: boolean
}

/** `<search/>`: undefined is the question for the form. Reading throws the errors of XEP-0433 §4.2.2. */
export const ChannelSearch: Payload<ChannelQuery | undefined> = {
  name: 'search',
  ns: channelSearchNs,
  read(element) {
    const x = element.child(Form.name, Form.ns)
    if (!x) return undefined
    const form = Form.read(x)
    if (form.type !== 'submit' || formType(form) !== paramsNs)
      throw new StanzaError('bad-request', 'This form is not the answer to a search form')
    const flag = (name: string, otherwise: boolean) => {
      const value = fieldValues(form, name)?.[0]
      return value === undefined ? otherwise : booleanValue(value)
    }
    const text = fieldValues(form, 'q')?.[0]
    const isAll = flag('all', false)
    if (isAll && text !== undefined)
      throw channelSearchError('bad-request', 'conflicting-fields', 'modify', 'Either all, or those with these words', [
        'all',
        'q',
      ])
    if (!isAll && text === undefined)
      throw channelSearchError('bad-request', 'no-search-conditions', 'cancel', 'What is to be looked for is missing')
    const key = fieldValues(form, 'key')?.[0] ?? channelOrders.users
    const order = (['address', 'users'] as const).find((one) => channelOrders[one] === key)
    if (!order) throw channelSearchError('feature-not-implemented', 'invalid-sort-key', 'modify')
    const set = element.child(RsmRequest.name, RsmRequest.ns)
    return {
      text,
      within: {
        name: flag('sinname', true),
        description: flag('sindescription', true),
        address: flag('sinaddr', true),
      },
      minUsers: count(fieldValues(form, 'min_users')?.[0] ?? '0'),
      order,
      hasRooms: fieldValues(form, 'types')?.includes('xep-0045') ?? true,
      set: set ? RsmRequest.read(set) : {},
    }
  },
  write(query) {
    if (!query) return xml('search', channelSearchNs)
    const { text, within, minUsers, order, set } = query
    const fields = {
      ...(text === undefined ? { all: 'true' } : { q: text }),
      sinname: String(within.name),
      sindescription: String(within.description),
      sinaddr: String(within.address),
      min_users: String(minUsers),
      key: channelOrders[order],
    }
    const values = Object.entries(fields).map(([name, value]) => ({ var: name, values: [value] }))
    const form = Form.write({ type: 'submit', fields: [formTypeField(paramsNs), ...values] })
    return xml('search', channelSearchNs, {}, RsmRequest.write(set), form)
  },
}

/** §4.2.1: what can be asked, with what is meant where nothing is said. */
export function channelSearchForm(): Element {
  const yes = (name: string, label: string) => ({ var: name, type: 'boolean' as const, label, values: ['true'] })
  return xml(
    'search',
    channelSearchNs,
    {},
    Form.write({
      type: 'form',
      fields: [
        formTypeField(paramsNs),
        { var: 'q', type: 'text-single', label: 'Search for' },
        { var: 'all', type: 'boolean', label: 'Everything' },
        yes('sinname', 'Search in names'),
        yes('sindescription', 'Search in descriptions'),
        yes('sinaddr', 'Search in addresses'),
        { var: 'min_users', type: 'text-single', label: 'At least so many users', values: ['0'] },
        { var: 'types', type: 'list-multi', label: 'Kinds', values: ['xep-0045'], options: [{ value: 'xep-0045' }] },
        {
          var: 'key',
          type: 'list-single',
          label: 'Sorted by',
          values: [channelOrders.users],
          options: [
            { label: 'Number of users', value: channelOrders.users },
            { label: 'Address', value: channelOrders.address },
          ],
        },
      ],
    }),
  )
}

/** §4.2.2.1: a page of what was found. */
export function channelSearchResult(channels: readonly Channel[], isComplete: boolean, all?: number): Element {
  const set = {
    first: channels[0]?.address.toString(),
    // Without it there is nothing more.
    last: isComplete ? undefined : channels.at(-1)?.address.toString(),
    count: all,
  }
  return xml('result', channelSearchNs, {}, ...channels.map(item), RsmResult.write(set))
}

/** §4.2.2: an error with its application-specific condition. */
export function channelSearchError(
  condition: StanzaCondition,
  name: string,
  type: ErrorType,
  text?: string,
  fields: readonly string[] = [],
  attrs: Readonly<Record<string, string>> = {},
): StanzaError {
  const about = fields.map((field) => xml('var', errorNs, {}, field))
  return new StanzaError(condition, text, { type, application: xml(name, errorNs, attrs, ...about) })
}

function item({ address, name, description, language, users, isOpen, isNonAnonymous }: Channel): Element {
  const child = (tag: string, text: string) => (text === '' ? undefined : xml(tag, channelSearchNs, {}, text))
  return xml(
    'item',
    channelSearchNs,
    { address: address.toString() },
    child('name', name),
    child('description', description),
    child('language', language),
    child('nusers', String(users)),
    child('service-type', 'xep-0045'),
    child('is-open', String(isOpen)),
    child('anonymity-mode', isNonAnonymous ? `{${base}:anonymity}none` : 'muc_semianonymous'),
  )
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new StanzaError('bad-request', `${text} is not a number of users`)
  return Number(text)
}
