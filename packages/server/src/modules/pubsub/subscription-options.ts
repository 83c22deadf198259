import {
  booleanValue,
  formatDateTime,
  type Form,
  formType,
  formTypeField,
  parseDateTime,
  pubsubError,
  pubsubForms,
} from '@jackdaw/xmpp'
import type { Subscription } from './node.ts'

/** XEP-0060 §16.4.2: what a subscriber chooses. */
export type SubscriptionOptions = Pick<Subscription, 'deliver' | 'expires'>

export const defaultOptions: SubscriptionOptions = { deliver: true, expires: 0 }

/** What is registered and not done here: it may be asked for as it is without it. */
const withoutEffect: Readonly<Record<string, readonly string[]>> = {
  'pubsub#digest': ['0', 'false'],
  'pubsub#include_body': ['0', 'false'],
  'pubsub#subscription_type': ['items'],
  'pubsub#subscription_depth': ['1', 'all'],
}

/** §6.3.6: what a submitted form asks for, the rest as before. @throws StanzaError bad-request with invalid-options */
export function readOptions(form: Form, before: SubscriptionOptions, now: number): SubscriptionOptions {
  const type = formType(form)
  if (type !== undefined && type !== pubsubForms.options)
    throw pubsubError('invalid-options', `The form is for ${type}`)
  let { deliver, expires } = before
  for (const { var: name = '', values = [] } of form.fields ?? []) {
    const value = values[0] ?? ''
    if (name === 'FORM_TYPE') continue
    try {
      if (name === 'pubsub#deliver') deliver = booleanValue(value)
      else if (name === 'pubsub#expire') expires = value === '' ? 0 : parseDateTime(value)
      else if (!withoutEffect[name]?.includes(value)) throw new Error(`${name} cannot be ${value || 'chosen'}`)
    } catch (error) {
      throw pubsubError('invalid-options', error instanceof Error ? error.message : String(error))
    }
  }
  if (expires !== 0 && expires <= now) throw pubsubError('invalid-options', 'This lease would have ended already')
  return { deliver, expires }
}

export function optionsForm({ deliver, expires }: SubscriptionOptions, type: 'form' | 'result'): Form {
  const isForm = type === 'form'
  return {
    type,
    fields: [
      formTypeField(pubsubForms.options),
      {
        var: 'pubsub#deliver',
        type: 'boolean',
        values: [String(deliver)],
        ...(isForm && { label: 'Whether notifications are wanted' }),
      },
      {
        var: 'pubsub#expire',
        type: 'text-single',
        values: expires === 0 ? [] : [formatDateTime(expires)],
        ...(isForm && { label: 'When the subscription ends' }),
      },
    ],
  }
}
