import {
  commandError,
  type Field,
  fieldValues,
  type Form,
  formTypeField,
  Jid,
  jidValue,
  StanzaError,
} from '@jackdaw/xmpp'
import type { Outcome } from '../commands/ad-hoc.ts'

export const adminNs = 'http://jabber.org/protocol/admin'

/** Most addresses of one request. */
const mostJids = 1000

/** XEP-0133 §4: what a command has to be told. */
export function question(title: string, ...fields: readonly Field[]): Form {
  return { type: 'form', title, fields: [formTypeField(adminNs), ...fields] }
}

/** What a command has found. */
export function result(title: string, ...fields: readonly Field[]): Outcome {
  return { form: { type: 'result', title, fields: [formTypeField(adminNs), ...fields] } }
}

/** Says in words what has been done. */
export function done(text: string): Outcome {
  return { notes: [{ type: 'info', text }] }
}

export const accountField: Field = {
  var: 'accountjid',
  type: 'jid-single',
  label: 'Address of the account',
  isRequired: true,
}
export const accountsField: Field = {
  var: 'accountjids',
  type: 'jid-multi',
  label: 'Addresses of the accounts',
  isRequired: true,
}

/** The account that a form names. @throws StanzaError jid-malformed, not-allowed: it is not of this host */
export function accountIn(form: Form, domain: Jid): Jid {
  return accountOf(fieldValues(form, 'accountjid')![0]!, domain)
}

/** The accounts that a form names, each once. @throws StanzaError jid-malformed, not-allowed, bad-request */
export function accountsIn(form: Form, domain: Jid, name = 'accountjids'): Jid[] {
  const named = new Map(jidsIn(form, name).map((jid) => [jid.bare.toString(), accountOf(jid.toString(), domain)]))
  return [...named.values()]
}

/** Bare and full JIDs as they are given. */
export function jidsIn(form: Form, name = 'accountjids'): Jid[] {
  const values = fieldValues(form, name)!.filter((value) => value.trim() !== '')
  if (values.length > mostJids) throw commandError('bad-request', 'bad-payload')
  return values.map((value) => jidValue(value))
}

/** The lines of a text. @throws StanzaError bad-request */
export function textIn(form: Form, name: string): string {
  const text = fieldValues(form, name)!.join('\n')
  if (text.trim() === '' || text.length > longestText) throw commandError('bad-request', 'bad-payload')
  return text
}

/** Most characters of what is told to users. */
const longestText = 10_000

function accountOf(text: string, domain: Jid): Jid {
  const jid = jidValue(text).bare
  if (jid.local === undefined || jid.domain !== domain.domain)
    throw new StanzaError('not-allowed', `${jid} is no account of ${domain}`)
  return jid
}
