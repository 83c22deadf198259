import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const hatsNs = 'urn:xmpp:hats:0'
/** XEP-0317 §4.9: what the forms of its commands are for. */
export const hatsForm = 'urn:xmpp:hats:commands'

/** XEP-0317 §4: the nodes of its commands. */
export const hatsCommands = {
  create: `${hatsForm}:create`,
  destroy: `${hatsForm}:destroy`,
  list: `${hatsForm}:list`,
  assign: `${hatsForm}:assign`,
  unassign: `${hatsForm}:unassign`,
  listAssigned: `${hatsForm}:list-assigned`,
}

/** XEP-0317 §4.1 */
export interface Hat {
  /** Tells it from others. */
  readonly uri: string
  /** For a human reader. */
  readonly title: string
  /** The angle of its colour, in degrees. */
  readonly hue?: string | undefined
}

/** `<hats/>` (XEP-0317 §4.1): those that an occupant wears. Reading throws a StanzaError bad-request for a hat without URI or title. */
export const Hats: Payload<readonly Hat[]> = {
  name: 'hats',
  ns: hatsNs,
  read: (element) =>
    element
      .elements()
      .filter(({ name, ns }) => name === 'hat' && ns === hatsNs)
      .map((hat) => {
        const [uri, title] = [hat.attr('uri'), hat.attr('title')]
        if (uri === undefined || title === undefined)
          throw new StanzaError('bad-request', 'A hat has a URI and a title')
        return { uri, title, hue: hat.attr('hue') }
      }),
  write: (hats) =>
    xml('hats', hatsNs, undefined, ...hats.map(({ title, uri, hue }) => xml('hat', hatsNs, { title, uri, hue }))),
}
