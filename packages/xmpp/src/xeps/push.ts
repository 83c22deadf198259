import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { type Field, fieldValues, Form, formType, formTypeField } from './forms.ts'
import { jidValue } from './jid-value.ts'
import { pubsubForms } from './pubsub.ts'

/** XEP-0357. */
export const pushNs = 'urn:xmpp:push:0'
/** XEP-0357 §6: the FORM_TYPE of what a notification tells. */
export const pushSummaryForm = 'urn:xmpp:push:summary'

/** XEP-0357 §4: where an account's notifications are to be published. */
export interface PushEnable {
  readonly jid: Jid
  readonly node?: string | undefined
  /** To be given with each notification: a form of publish-options. */
  readonly options?: Form | undefined
}

/** `<enable/>`. Reading throws a StanzaError bad-request when it names no service, or its form is another one. */
export const PushEnable: Payload<PushEnable> = {
  name: 'enable',
  ns: pushNs,
  read(element) {
    const found = element.child(Form.name, Form.ns)
    const options = found && Form.read(found)
    if (options && (options.type !== 'submit' || formType(options) !== pubsubForms.publish))
      throw new StanzaError('bad-request', 'The form is not one of publish-options')
    return { jid: serviceOf(element), node: element.attr('node'), options }
  },
  write: ({ jid, node, options }) =>
    xml('enable', pushNs, { jid: jid.toString(), node }, options && Form.write(options)),
}

/** XEP-0357 §5: a service, or one node of it, that gets no more notifications. */
export interface PushDisable {
  readonly jid: Jid
  readonly node?: string | undefined
}

/** `<disable/>`. Reading throws a StanzaError bad-request when it names no service. */
export const PushDisable: Payload<PushDisable> = {
  name: 'disable',
  ns: pushNs,
  read: (element) => ({ jid: serviceOf(element), node: element.attr('node') }),
  write: ({ jid, node }) => xml('disable', pushNs, { jid: jid.toString(), node }),
}

/** XEP-0357 §6, §12.3: what a notification may tell. */
export interface PushSummary {
  readonly messageCount?: number | undefined
  readonly pendingSubscriptionCount?: number | undefined
  readonly lastMessageSender?: string | undefined
  readonly lastMessageBody?: string | undefined
}

const names = {
  messageCount: 'message-count',
  pendingSubscriptionCount: 'pending-subscription-count',
  lastMessageSender: 'last-message-sender',
  lastMessageBody: 'last-message-body',
} as const

/** `<notification/>`. Reading leaves out counts that are none. */
export const PushNotification: Payload<PushSummary> = {
  name: 'notification',
  ns: pushNs,
  read(element) {
    const found = element.child(Form.name, Form.ns)
    // The examples of the XEP have no type at it.
    const form = found && Form.read(found.attr('type') === undefined ? found.with({ type: 'result' }) : found)
    if (!form || formType(form) !== pushSummaryForm) return {}
    const value = (key: keyof typeof names) => fieldValues(form, names[key])?.[0]
    return {
      messageCount: countOf(value('messageCount')),
      pendingSubscriptionCount: countOf(value('pendingSubscriptionCount')),
      lastMessageSender: value('lastMessageSender'),
      lastMessageBody: value('lastMessageBody'),
    }
  },
  write(summary) {
    const fields = Object.entries(names).flatMap(([key, name]): Field[] => {
      const value = summary[key as keyof typeof names]
      return value === undefined ? [] : [{ var: name, values: [String(value)] }]
    })
    const form: Form = { type: 'submit', fields: [formTypeField(pushSummaryForm), ...fields] }
    return xml('notification', pushNs, undefined, fields.length > 0 ? Form.write(form) : undefined)
  },
}

function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function serviceOf(element: Element): Jid {
  const jid = element.attr('jid')
  if (jid === undefined) throw new StanzaError('bad-request', 'The push service is not named')
  return jidValue(jid)
}
