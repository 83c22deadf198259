import type { Field } from './forms.ts'
import type { MamFilter } from './mam.ts'

/** XEP-0431. */
export const fullTextNs = 'urn:xmpp:fulltext:0'

/** XEP-0431 §3.1: the field of a query (XEP-0313 §4.1.5) that holds the words to be searched for. */
export const fullTextField: Field = { var: `{${fullTextNs}}fulltext`, type: 'text-single' }

/** The words that a query searches for; undefined when it searches for none (§2.2). */
export function fullTextOf({ others }: MamFilter): string | undefined {
  return others?.get(fullTextField.var!)?.[0]?.trim() || undefined
}
