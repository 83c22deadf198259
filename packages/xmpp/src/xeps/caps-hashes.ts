import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { compareOctets } from './caps.ts'
import { DiscoInfo, discoInfoNs } from './disco.ts'
import { type Form, formType, formsNs } from './forms.ts'

const capsHashesNs = 'urn:xmpp:caps'
const hashesNs = 'urn:xmpp:hashes:2'

/** XEP-0390 §4.2: short names for all that an entity can do, each in Base64 under the name of its hash function (XEP-0300). */
export type CapsHashes = ReadonlyMap<string, string>

/** `<c/>` of XEP-0390. */
export const CapsHashes: Payload<CapsHashes> = {
  name: 'c',
  ns: capsHashesNs,
  read(element) {
    const hashes = new Map<string, string>()
    for (const child of element.elements()) {
      const algorithm = child.attr('algo')
      if (child.name !== 'hash' || child.ns !== hashesNs) continue
      if (algorithm === undefined) throw new StanzaError('bad-request', 'A hash needs the name of its function')
      hashes.set(algorithm, child.text.trim())
    }
    return hashes
  },
  write: (hashes) =>
    xml('c', capsHashesNs, undefined, ...[...hashes].map(([algo, hash]) => xml('hash', hashesNs, { algo }, hash))),
}

/** XEP-0390 §4.3: the node that is asked for what the hash stands for. */
export function capsHashNode(algorithm: string, hash: string): string {
  return `${capsHashesNs}#${algorithm}.${hash}`
}

/** XEP-0390 §4.1: what is hashed, as UTF-8; undefined for a `<query/>` that cannot be. */
export function capsHashText(query: Element): string | undefined {
  for (const { name, ns } of query.elements())
    if (!(ns === discoInfoNs && (name === 'identity' || name === 'feature')) && !(ns === formsNs && name === 'x'))
      return undefined
  const { identities, features, forms } = DiscoInfo.read(query)
  if (!forms.every(isPlain)) return undefined
  const ofIdentity = identities.map(
    ({ category, type, lang = '', name = '' }) => `${[category, type, lang, name].map(unit).join('')}\x1e`,
  )
  return `${sorted(features.map(unit))}\x1c${sorted(ofIdentity)}\x1c${sorted(forms.map(textOf))}\x1c`
}

/** A form with a FORM_TYPE that is no table. */
function isPlain(form: Form): boolean {
  return formType(form) !== undefined && !form.reported && (form.items ?? []).length === 0
}

function textOf({ fields = [] }: Form): string {
  return `${sorted(fields.map((field) => `${unit(field.var ?? '')}${sorted((field.values ?? []).map(unit))}\x1e`))}\x1d`
}

const unit = (text: string) => `${text}\x1f`

function sorted(parts: readonly string[]): string {
  return parts.toSorted(compareOctets).join('')
}
