import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Form } from './forms.ts'
import { type Destruction, mucNs, readDestruction, writeDestruction } from './muc.ts'

export const mucOwnerNs = `${mucNs}#owner`

/** XEP-0045 §10: the configuration of a room, or its destruction. */
export interface MucOwner {
  readonly form?: Form | undefined
  readonly destruction?: Destruction | undefined
}

/** `<query/>` of muc#owner. */
export const MucOwner: Payload<MucOwner> = {
  name: 'query',
  ns: mucOwnerNs,
  read(element) {
    const form = element.child(Form.name, Form.ns)
    const destruction = element.child('destroy')
    return { form: form && Form.read(form), destruction: destruction && readDestruction(destruction) }
  },
  write: ({ form, destruction }) =>
    xml(
      'query',
      mucOwnerNs,
      undefined,
      form && Form.write(form),
      destruction && writeDestruction(destruction, mucOwnerNs),
    ),
}
