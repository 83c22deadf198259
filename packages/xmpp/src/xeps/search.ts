import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { fieldValues, Form, formType, formTypeField } from './forms.ts'

export const searchNs = 'jabber:iq:search'

/** XEP-0055 §3: what people are looked for by. */
export const searchFields = ['first', 'last', 'nick', 'email'] as const
export type SearchField = (typeof searchFields)[number]
export type SearchTerms = Readonly<Partial<Record<SearchField, string>>>

/** Somebody who was found. */
export interface SearchItem {
  readonly jid: string
  readonly terms: SearchTerms
}

/** What is looked for: everything is undefined in the question for the fields. */
export interface SearchQuery {
  readonly terms: SearchTerms
  /** Whether it came as a form (§3): the answer comes as one, too. */
  readonly isForm: boolean
}

const labels: Record<SearchField, string> = {
  first: 'Given name',
  last: 'Family name',
  nick: 'Nickname',
  email: 'Email address',
}

/** `<query/>` of jabber:iq:search, as it asks. Reading throws a StanzaError bad-request for a form that is none of a search. */
export const SearchQuery: Payload<SearchQuery> = {
  name: 'query',
  ns: searchNs,
  read(element) {
    const x = element.child(Form.name, Form.ns)
    if (!x) return { isForm: false, terms: termsOf((name) => element.child(name)?.text) }
    const form = Form.read(x)
    if (form.type !== 'submit' || (formType(form) ?? searchNs) !== searchNs)
      throw new StanzaError('bad-request', 'This form is not the answer to a search form')
    return { isForm: true, terms: termsOf((name) => fieldValues(form, name)?.[0]) }
  },
  write({ terms, isForm }) {
    if (!isForm) return xml('query', searchNs, undefined, ...leaves(terms))
    const fields = searchFields.flatMap((name) => {
      const value = terms[name]
      return value === undefined ? [] : [{ var: name, values: [value] }]
    })
    return xml(
      'query',
      searchNs,
      undefined,
      Form.write({ type: 'submit', fields: [formTypeField(searchNs), ...fields] }),
    )
  },
}

/** §2.1, §3: what can be asked. */
export function searchForm(instructions: string): Element {
  return xml(
    'query',
    searchNs,
    undefined,
    xml('instructions', searchNs, undefined, instructions),
    ...searchFields.map((name) => xml(name, searchNs)),
    Form.write({
      type: 'form',
      title: 'User directory',
      instructions: [instructions],
      fields: [
        formTypeField(searchNs),
        ...searchFields.map((name) => ({ var: name, type: 'text-single' as const, label: labels[name] })),
      ],
    }),
  )
}

/** §2.1, §3: who was found. */
export function searchResult(items: readonly SearchItem[], isForm: boolean): Element {
  if (!isForm)
    return xml(
      'query',
      searchNs,
      undefined,
      ...items.map(({ jid, terms }) => xml('item', searchNs, { jid }, ...leaves(terms))),
    )
  const form: Form = {
    type: 'result',
    fields: [formTypeField(searchNs)],
    reported: [
      { var: 'jid', type: 'jid-single', label: 'Address' },
      ...searchFields.map((name) => ({ var: name, type: 'text-single' as const, label: labels[name] })),
    ],
    items: items.map(({ jid, terms }) => [
      { var: 'jid', values: [jid] },
      ...searchFields.map((name) => ({ var: name, values: [terms[name] ?? ''] })),
    ]),
  }
  return xml('query', searchNs, undefined, Form.write(form))
}

function termsOf(find: (name: SearchField) => string | undefined): SearchTerms {
  const terms: Partial<Record<SearchField, string>> = {}
  for (const name of searchFields) {
    const text = find(name)?.trim()
    if (text) terms[name] = text
  }
  return terms
}

function leaves(terms: SearchTerms): Element[] {
  return searchFields.map((name) => xml(name, searchNs, undefined, terms[name]))
}
