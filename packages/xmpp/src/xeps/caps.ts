import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import type { DiscoInfo } from './disco.ts'
import { type Form, formType } from './forms.ts'

export const capsNs = 'http://jabber.org/protocol/caps'

/** XEP-0115 §4: a short name for all that an entity can do. */
export interface Caps {
  /** Of the IANA's registry: 'sha-1'. */
  readonly hash: string
  /** A URI for the software. */
  readonly node: string
  /** The hash, in Base64, of what `capsText` gives. */
  readonly ver: string
}

/** `<c/>`. Reading throws a StanzaError bad-request when an attribute is missing, as `hash` is in the legacy format (§13). */
export const Caps: Payload<Caps> = {
  name: 'c',
  ns: capsNs,
  read(element) {
    const hash = element.attr('hash')
    const node = element.attr('node')
    const ver = element.attr('ver')
    if (hash === undefined || node === undefined || ver === undefined)
      throw new StanzaError('bad-request', 'Entity capabilities need hash, node and ver')
    return { hash, node, ver }
  },
  write: ({ hash, node, ver }) => xml('c', capsNs, { hash, node, ver }),
}

/** What is hashed, as UTF-8, for a verification string (XEP-0115 §5.1). */
export function capsText({ identities, features, forms }: DiscoInfo): string {
  const parts: string[] = []
  const sorted = identities.toSorted(
    (a, b) =>
      compareOctets(a.category, b.category) ||
      compareOctets(a.type, b.type) ||
      compareOctets(a.lang ?? '', b.lang ?? ''),
  )
  for (const { category, type, lang = '', name = '' } of sorted) parts.push(`${category}/${type}/${lang}/${name}`)
  parts.push(...features.toSorted(compareOctets))
  for (const { type, form } of typed(forms).toSorted((a, b) => compareOctets(a.type, b.type))) {
    parts.push(type)
    const fields = (form.fields ?? []).filter((field) => field.var !== 'FORM_TYPE')
    for (const field of fields.toSorted((a, b) => compareOctets(a.var ?? '', b.var ?? '')))
      parts.push(field.var ?? '', ...(field.values ?? []).toSorted(compareOctets))
  }
  return parts.map((part) => `${part}<`).join('')
}

/** §5.4 item 3.6: a form that does not say what it is for, in a hidden field, is left out. */
function typed(forms: readonly Form[]): { readonly type: string; readonly form: Form }[] {
  return forms.flatMap((form) => {
    const isHidden = form.fields?.some((field) => field.var === 'FORM_TYPE' && field.type === 'hidden')
    const type = isHidden ? formType(form) : undefined
    return type === undefined ? [] : [{ type, form }]
  })
}

/** The order of the UTF-8 octets ("i;octet", RFC 4790 §9.3), which is that of the code points and not that of UTF-16. */
export function compareOctets(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const one = a.charCodeAt(i)
    const other = b.charCodeAt(i)
    if (one !== other) return rank(one) - rank(other)
  }
  return a.length - b.length
}

/** Surrogates stand for the greatest code points. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit
}
