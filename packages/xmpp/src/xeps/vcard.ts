import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const vcardNs = 'vcard-temp'
export const vcardUpdateNs = 'vcard-temp:x:update'

/** `<vCard/>` of XEP-0054, as it is. */
export const VCard: Payload<Element> = { name: 'vCard', ns: vcardNs, read: (element) => element, write: (card) => card }

/** An avatar within a vCard (XEP-0153 §4.5). */
export interface Photo {
  /** As its publisher says; '' when it says nothing. */
  readonly type: string
  /** Base64 without white space. */
  readonly data: string
}

/** The image that a vCard has; undefined for one that is empty, elsewhere, or no base64. */
export function photoOf(card: Element): Photo | undefined {
  return imageIn(card.child('PHOTO'))
}

/** The same image in all the formats in which a vCard has it (XEP-0486 §5). */
export function photosOf(card: Element): Photo[] {
  return card
    .elements()
    .filter(({ name, ns }) => name === 'PHOTO' && ns === card.ns)
    .map(imageIn)
    .filter((photo) => photo !== undefined)
}

function imageIn(photo: Element | undefined): Photo | undefined {
  const data = photo?.child('BINVAL')?.text.replace(/\s+/g, '') ?? ''
  if (data === '' || !isBase64.test(data)) return undefined
  return { type: photo?.child('TYPE')?.text.trim() ?? '', data }
}

/** The vCard with another image, or with none. */
export function withPhoto(card: Element, photo: Photo | undefined): Element {
  const others = card.children.filter((child) => typeof child === 'string' || child.name !== 'PHOTO')
  return xml(
    card.name,
    card.ns,
    attributes(card),
    ...others,
    photo && xml('PHOTO', vcardNs, undefined, leaf('TYPE', photo.type), leaf('BINVAL', photo.data)),
  )
}

/** What one part of a vCard says, such as `['N', 'FAMILY']`; undefined when it says nothing. */
export function vcardText(card: Element, ...path: readonly string[]): string | undefined {
  let element: Element | undefined = card
  for (const name of path) element = element?.child(name)
  return element?.text.trim() || undefined
}

const isBase64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/

function leaf(name: string, text: string): Element {
  return xml(name, vcardNs, undefined, text)
}

function attributes({ attrs }: Element): Record<string, string> {
  const all: Record<string, string> = {}
  for (let i = 0; i < attrs.length; i += 2) all[attrs[i]!] = attrs[i + 1]!
  return all
}
