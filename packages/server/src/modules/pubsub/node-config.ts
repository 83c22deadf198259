import {
  booleanValue,
  type Field,
  type FieldType,
  type Form,
  formType,
  formTypeField,
  jidValue,
  pubsubError,
  pubsubForms,
  StanzaError,
  unsupported,
} from '@jackdaw/xmpp'
import type { Json } from '../../world.ts'

export const accessModels = ['authorize', 'open', 'presence', 'roster', 'whitelist'] as const
export type AccessModel = (typeof accessModels)[number]

/** XEP-0060 §16.4.4: how a node is configured, under the names of its form without `pubsub#`. */
export type NodeConfig = {
  readonly title: string
  readonly description: string
  readonly type: string
  readonly language: string
  readonly contact: readonly string[]
  readonly access_model: AccessModel
  readonly roster_groups_allowed: readonly string[]
  readonly publish_model: 'publishers' | 'subscribers' | 'open'
  readonly subscribe: boolean
  readonly deliver_notifications: boolean
  readonly deliver_payloads: boolean
  readonly notify_config: boolean
  readonly notify_delete: boolean
  readonly notify_retract: boolean
  readonly notify_sub: boolean
  readonly notification_type: 'normal' | 'headline'
  readonly itemreply: 'none' | 'publisher'
  readonly send_last_published_item: 'never' | 'on_sub' | 'on_sub_and_presence'
  readonly persist_items: boolean
  readonly max_items: number | 'max'
  readonly item_expire: number | 'max'
  readonly max_payload_size: number
  readonly publish_node_full: 'retract-oldest' | 'discard-oldest' | 'reject'
}

/** What no node of the service can have more of. */
export interface NodeBounds {
  readonly items: number
  readonly payload: number
}

/** Nodes of an account (XEP-0163 §5): the last word on something, for those who see its presence. */
export function accountDefaults({ payload }: NodeBounds): NodeConfig {
  return {
    ...serviceDefaults({ items: 1, payload }),
    access_model: 'presence',
    max_items: 1,
    publish_node_full: 'discard-oldest',
  }
}

/** Nodes of the service: open (§4.5), and keeping what was published. */
export function serviceDefaults({ payload }: NodeBounds): NodeConfig {
  return {
    title: '',
    description: '',
    type: '',
    language: '',
    contact: [],
    access_model: 'open',
    roster_groups_allowed: [],
    publish_model: 'publishers',
    subscribe: true,
    deliver_notifications: true,
    deliver_payloads: true,
    notify_config: false,
    notify_delete: true,
    notify_retract: true,
    notify_sub: false,
    notification_type: 'headline',
    itemreply: 'none',
    send_last_published_item: 'on_sub_and_presence',
    persist_items: true,
    max_items: 'max',
    item_expire: 'max',
    max_payload_size: payload,
    publish_node_full: 'retract-oldest',
  }
}

interface ConfigField {
  readonly type: FieldType
  readonly label: string
  readonly options?: readonly string[]
  read(values: readonly string[], bounds: NodeBounds): Json
}

const mostText = 4096
const mostValues = 100

const single = (values: readonly string[]) => {
  if (values.length > 1) throw new StanzaError('not-acceptable', 'One value is enough')
  return values[0] ?? ''
}
const text = (label: string): ConfigField => ({
  type: 'text-single',
  label,
  read: (values) => {
    const value = single(values)
    if (value.length > mostText) throw new StanzaError('not-acceptable', 'A text is too long')
    return value
  },
})
const flag = (label: string): ConfigField => ({
  type: 'boolean',
  label,
  read: (values) => booleanValue(single(values)),
})
const choice = (label: string, options: readonly string[], error?: () => StanzaError): ConfigField => ({
  type: 'list-single',
  label,
  options,
  read: (values) => {
    const value = single(values)
    if (options.includes(value)) return value
    throw error?.() ?? new StanzaError('not-acceptable', `${value} is none of ${options.join(', ')}`)
  },
})
const many = (type: FieldType, label: string, read: (value: string) => string): ConfigField => ({
  type,
  label,
  read: (values) => {
    if (values.length > mostValues) throw new StanzaError('not-acceptable', 'Too many values')
    return values.map(read)
  },
})
const whole = (value: string) => {
  if (!/^\d{1,10}$/.test(value)) throw new StanzaError('not-acceptable', `${value} is not a number`)
  return Number(value)
}

const fields: { readonly [K in keyof NodeConfig]: ConfigField } = {
  title: text('A friendly name for the node'),
  description: text('A description of the node'),
  type: text('The semantic type of the payloads'),
  language: text('The default language of the node'),
  contact: many('jid-multi', 'The JIDs of those to contact with questions', (jid) => jidValue(jid).toString()),
  access_model: choice('Who may subscribe and retrieve items', accessModels, () =>
    pubsubError('unsupported-access-model'),
  ),
  roster_groups_allowed: many('text-multi', 'Roster groups that may subscribe', (group) => group.slice(0, mostText)),
  publish_model: choice('Who may publish', ['publishers', 'subscribers', 'open']),
  subscribe: flag('Whether to allow subscriptions'),
  deliver_notifications: flag('Whether to deliver event notifications'),
  deliver_payloads: flag('Whether to deliver payloads with event notifications'),
  notify_config: flag('Whether to notify subscribers when the node configuration changes'),
  notify_delete: flag('Whether to notify subscribers when the node is deleted'),
  notify_retract: flag('Whether to notify subscribers when items are removed from the node'),
  notify_sub: flag('Whether to notify owners about new subscribers and unsubscribes'),
  notification_type: choice('The type of the messages that notify', ['normal', 'headline']),
  itemreply: choice('Whether items name their publisher', ['none', 'publisher']),
  send_last_published_item: choice('When to send the last published item', ['never', 'on_sub', 'on_sub_and_presence']),
  persist_items: flag('Whether to persist items'),
  max_items: {
    type: 'text-single',
    label: 'The maximum number of items to persist; max for as many as the server allows',
    read: (values, { items }) => (single(values) === 'max' ? 'max' : Math.min(atLeastOne(single(values)), items)),
  },
  item_expire: {
    type: 'text-single',
    label: 'Number of seconds after which items are removed; max for never',
    read: (values) => (single(values) === 'max' ? 'max' : atLeastOne(single(values))),
  },
  max_payload_size: {
    type: 'text-single',
    label: 'The maximum payload size in bytes',
    read: (values, { payload }) => Math.min(whole(single(values)), payload),
  },
  publish_node_full: choice('What happens when an item is published to a full node', [
    'retract-oldest',
    'discard-oldest',
    'reject',
  ]),
}

/** What is registered and not done here: it may be asked for as it is without it. */
const withoutEffect: Readonly<Record<string, readonly string[]>> = {
  node_type: ['leaf'],
  tempsub: ['0', 'false'],
  presence_based_delivery: ['0', 'false'],
  purge_offline: ['0', 'false'],
  body_xslt: [''],
  dataform_xslt: [''],
  collection: [''],
}

function atLeastOne(value: string): number {
  return Math.max(1, whole(value))
}

/** The values of a submitted form, those that it has. @throws StanzaError not-acceptable, or with a condition of XEP-0060 */
export function readConfig(form: Form, bounds: NodeBounds, type: string = pubsubForms.config): Partial<NodeConfig> {
  const given = formType(form)
  if (given !== undefined && given !== type) throw new StanzaError('not-acceptable', `The form is for ${given}`)
  const read: Record<string, Json> = {}
  for (const { var: name = '', values = [] } of form.fields ?? []) {
    if (name === 'FORM_TYPE') continue
    const key = name.startsWith('pubsub#') ? name.slice(7) : name
    if (Object.hasOwn(fields, key)) read[key] = fields[key as keyof NodeConfig].read(values, bounds)
    else if (key === 'node_type' && values[0] === 'collection') throw unsupported('collections')
    else if (!Object.hasOwn(withoutEffect, key)) throw new StanzaError('not-acceptable', `There is no field ${name}`)
    else if (!withoutEffect[key]!.includes(values[0] ?? ''))
      throw new StanzaError('not-acceptable', `${name} can only be ${withoutEffect[key]![0]}`)
  }
  return read as Partial<NodeConfig>
}

/** The form of a configuration: to be filled in, or as it is. */
export function configForm(config: NodeConfig, type: 'form' | 'result'): Form {
  return {
    type,
    fields: [formTypeField(pubsubForms.config), ...fieldsOf(config, Object.keys(fields) as (keyof NodeConfig)[], type)],
  }
}

/** The fields of those names. */
export function fieldsOf(config: NodeConfig, names: readonly (keyof NodeConfig)[], type: 'form' | 'result'): Field[] {
  return names.map((name) => {
    const { type: kind, label, options } = fields[name]
    const plain = { var: `pubsub#${name}`, type: kind, values: valuesOf(config[name]) }
    if (type === 'result') return plain
    return { ...plain, label, ...(options && { options: options.map((value) => ({ value })) }) }
  })
}

function valuesOf(value: NodeConfig[keyof NodeConfig]): string[] {
  if (typeof value === 'object') return [...value]
  return value === '' ? [] : [String(value)]
}

/** XEP-0060 §7.1.5: whether a node is configured as a publisher takes for granted. */
export function meets(config: NodeConfig, wanted: Partial<NodeConfig>, bounds: NodeBounds): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const actual = config[name as keyof NodeConfig]
    if (name === 'max_items') return most(value as number | 'max', bounds) === most(config.max_items, bounds)
    return JSON.stringify(actual) === JSON.stringify(value)
  })
}

/** How many items a node keeps. */
export function most(items: number | 'max', bounds: NodeBounds): number {
  return items === 'max' ? bounds.items : items
}
