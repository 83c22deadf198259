import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { jidValue } from './jid-value.ts'
import { mamNs } from './mam.ts'

/** XEP-0441 §2.1.1: whose messages are archived: everybody's, nobody's, those of the contacts in the roster. */
export const archiveDefaults = ['always', 'never', 'roster'] as const
export type ArchiveDefault = (typeof archiveDefaults)[number]

/** XEP-0441 §2.1: what an account wants to have in its archive. */
export interface ArchivePreferences {
  readonly default: ArchiveDefault
  /** Whose messages are archived, or not, whatever the default says. */
  readonly always: readonly Jid[]
  readonly never: readonly Jid[]
}

/** `<prefs/>`. */
export const ArchivePreferences: Payload<ArchivePreferences> = {
  name: 'prefs',
  ns: mamNs,
  read(element) {
    const behaviour = archiveDefaults.find((one) => one === element.attr('default'))
    if (!behaviour) throw new StanzaError('bad-request', `The default is one of ${archiveDefaults.join(', ')}`)
    return { default: behaviour, always: jidsIn(element.child('always')), never: jidsIn(element.child('never')) }
  },
  write: ({ default: behaviour, always, never }) =>
    xml('prefs', mamNs, { default: behaviour }, list('always', always), list('never', never)),
}

/** `<prefs/>` of type 'get': asks for them. */
export const AskArchivePreferences: Payload<void> = {
  name: 'prefs',
  ns: mamNs,
  read: () => undefined,
  write: () => xml('prefs', mamNs),
}

function list(name: string, jids: readonly Jid[]): Element {
  return xml(name, mamNs, undefined, ...jids.map((jid) => xml('jid', mamNs, undefined, jid.toString())))
}

function jidsIn(element: Element | undefined): Jid[] {
  if (!element) return []
  return element
    .elements()
    .filter(({ name, ns }) => name === 'jid' && ns === mamNs)
    .map(({ text }) => jidValue(text.trim()))
}
