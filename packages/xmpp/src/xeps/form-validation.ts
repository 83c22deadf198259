import { type Element, xml } from '../xml/element.ts'

const formValidationNs = 'http://jabber.org/protocol/xdata-validate'

/** XEP-0122 §3.2: a list's field takes values that are not among its options. */
export function openValidation(datatype = 'xs:string'): Element {
  return xml('validate', formValidationNs, { datatype }, xml('open', formValidationNs))
}
