import { XmlError } from './xml-error.ts'

/** XML 1.0 §2.3: flags of each UTF-16 unit. */
const NAME_START = 1
const NAME = 2

/** By UTF-16 unit. High surrogates stand for the planes 1–14, all of whose characters XML admits in names. */
const table: Uint8Array = new Uint8Array(0x10000)

function mark(flag: number, ...ranges: (readonly [first: number, last: number])[]): void {
  for (const [first, last] of ranges) for (let unit = first; unit <= last; unit++) table[unit]! |= flag
}

// The colon is left out: Namespaces in XML §4 gives it its own meaning.
const nameStart = [
  // prettier-ignore
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
  [0xc0, 0xd6],
  [0xd8, 0xf6],
  [0xf8, 0x2ff],
  [0x370, 0x37d],
  [0x37f, 0x1fff],
  [0x200c, 0x200d],
  [0x2070, 0x218f],
  [0x2c00, 0x2fef],
  [0x3001, 0xd7ff],
  [0xf900, 0xfdcf],
  [0xfdf0, 0xfffd],
  [0xd800, 0xdb7f],
] as const
mark(NAME_START, ...nameStart)
mark(NAME, ...nameStart, [0x2d, 0x2e], [0x30, 0x39], [0xb7, 0xb7], [0x300, 0x36f], [0x203f, 0x2040], [0xdc00, 0xdfff])

/** Whether this unit, which may be the NaN behind the end of a text, can begin a name. */
export function beginsName(unit: number): boolean {
  // `| 0` makes a number of NaN: an array that was asked for NaN is slow ever after.
  return (unit >= 0x61 && unit <= 0x7a) || (table[unit | 0]! & NAME_START) !== 0
}

/** Whether this unit can go on with a name. */
export function continuesName(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (table[unit | 0]! & NAME) !== 0
}

/** Whether this unit is white space; a carriage return is none, as line ends were normalised. */
export function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0xa || unit === 0x9
}

/**
 * Text with its references resolved.
 *
 * @throws XmlError restricted-xml for an entity other than the five (RFC 6120 §11.1), not-well-formed for a bare
 *   ampersand or a reference to a character that XML does not admit
 */
export function resolved(text: string): string {
  let result = ''
  let from = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    const end = text.indexOf(';', at)
    if (end < 0) throw new XmlError('not-well-formed', 'an ampersand that begins no reference')
    result += text.slice(from, at) + referent(text.slice(at + 1, end))
    from = end + 1
  }
  return result + text.slice(from)
}

const decimal = /^#[0-9]+$/
const hexadecimal = /^#x[0-9A-Fa-f]+$/

function referent(name: string): string {
  switch (name) {
    case 'amp':
      return '&'
    case 'lt':
      return '<'
    case 'gt':
      return '>'
    case 'apos':
      return "'"
    case 'quot':
      return '"'
    default:
  }
  if (isName(name)) throw new XmlError('restricted-xml', `the entity ${name} is not predefined`)
  const code = hexadecimal.test(name)
    ? Number.parseInt(name.slice(2), 16)
    : decimal.test(name)
      ? Number(name.slice(1))
      : Number.NaN
  if (!isCharacter(code)) throw new XmlError('not-well-formed', `&${name}; refers to no character`)
  return String.fromCodePoint(code)
}

/**
 * What stands between two tags, as the text it means.
 *
 * @throws XmlError as `resolved`, and for `]]>` (XML 1.0 §2.4)
 */
export function resolvedText(text: string): string {
  if (text.includes(']]>')) throw new XmlError('not-well-formed', ']]> ends no CDATA section here')
  return text.includes('&') ? resolved(text) : text
}

function isName(text: string): boolean {
  if (!beginsName(text.charCodeAt(0)) && text[0] !== ':') return false
  for (let i = 1; i < text.length; i++) if (!continuesName(text.charCodeAt(i)) && text[i] !== ':') return false
  return true
}

/** XML 1.0 §2.2. */
function isCharacter(code: number): boolean {
  return (
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  )
}
