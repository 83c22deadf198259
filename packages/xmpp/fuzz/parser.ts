/**
 * Compares our parser with saxes on mutated documents: both must accept the same ones, and see the same tree in them.
 *
 *     npm run fuzz -- --seconds 60 --seed 1
 */
import { parseArgs } from 'node:util'
import { SaxesParser } from 'saxes'
import { defaultLimits, Element, type Node, parse, XmlError, XmlParser } from '@jackdaw/xmpp'

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } },
})
const seed = Number(options.seed ?? Date.now() % 2 ** 32)
const end = performance.now() + Number(options.seconds) * 1000

const seeds = [
  `<message xmlns='jabber:client' to='a@b' id="1"><body>hi &amp; there</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  `<?xml version='1.0' encoding='UTF-8'?>\n<stream:features xmlns:stream='http://etherx.jabber.org/streams'><a xmlns=''/><stream:b/></stream:features>`,
  `<p:a xmlns:p='urn:p' xmlns:q='urn:q' p:x='1' q:x='2' x='3' xml:lang='en'><p:b xmlns:p='urn:r' p:x='4'/></p:a>`,
  `<a b='\t&#10;\r\n&lt;'>&#x1F600;&#65;\r\n<![CDATA[<&>]]]]>]] ><é.\u{10000}-· à='\u{1f600}'/></a >`,
  `<a xmlns='u'><b c = "'>" ><d xmlns='v' xmlns:e='w'><e:f e:g=''/></d></b>\n</a>\n`,
]
const fragments = [
  '<', '>', '/', '</', '/>', '<!', '<!--', '-->', '<?', '?>', '<![CDATA[', ']]>', ']', '&', ';', '&amp;', '&#', '&#x', '&lt;', '&nbsp;',
  '&#0;', '&#xD800;', '&#x10FFFF;', '&#1114112;', "'", '"', '=', ' ', '\n', '\t', '\r', ':', 'xmlns', 'xmlns:', 'xmlns=\'\'', ' xmlns:p=\'urn:q\'', 'xml:', 'xml',
  'p:', 'q:', 'a', 'b', '1', '-', '.', 'é', '·', '\u0300', '\u2040', '\u037e', '\u00d7', '\u{10000}', '\u{effff}', '\u{f0000}', '\ufffd', '\ufffe', '\u0001', '\u007f', '\u0085', '\u2028',
  ' x=\'\'', ' p:x=\'5\'', '<a>', '</a>', '<b/>', 'http://www.w3.org/XML/1998/namespace', 'http://www.w3.org/2000/xmlns/', '\ufeff', '<?xml version=\'1.0\'?>',
] // prettier-ignore

/** mulberry32: a seed gives the same documents again. */
function random(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function mutated(next: () => number): string {
  const below = (limit: number) => Math.floor(next() * limit)
  const one = (list: readonly string[]) => list[below(list.length)]!
  let text = one(seeds)
  for (let left = 1 + below(4); left > 0; left--) {
    const units = Array.from(text)
    const at = below(units.length + 1)
    const length = below(6)
    switch (below(5)) {
      case 0:
        units.splice(at, length)
        break
      case 1:
        units.splice(at, 0, one(fragments))
        break
      case 2:
        units.splice(at, 1, one(fragments))
        break
      case 3:
        units.splice(below(units.length + 1), 0, ...units.slice(at, at + length * 4))
        break
      default: {
        const other = Array.from(one(seeds))
        const from = below(other.length)
        units.splice(at, 0, ...other.slice(from, from + length * 4))
      }
    }
    text = units.join('')
  }
  return text
}

interface Tree {
  readonly name: string
  readonly ns: string
  readonly attrs: Record<string, string>
  readonly children: (Tree | string)[]
}

function addText(children: (Tree | string)[], text: string): void {
  const last = children.at(-1)
  if (typeof last === 'string') children[children.length - 1] = last + text
  else if (text !== '') children.push(text)
}

function ours(element: Element): Tree {
  const attrs: Record<string, string> = {}
  for (let i = 0; i < element.attrs.length; i += 2) attrs[element.attrs[i]!] = element.attrs[i + 1]!
  return { name: element.name, ns: element.ns, attrs: sorted(attrs), children: element.children.map(node) }
}
const node = (one: Node): Tree | string => (typeof one === 'string' ? one : ours(one))
const sorted = (attrs: Record<string, string>) =>
  Object.fromEntries(Object.entries(attrs).toSorted(([a], [b]) => (a < b ? -1 : 1)))

interface Verdict {
  readonly tree?: Tree
  readonly error?: string
  /** What saxes accepts and RFC 6120 §11.1 does not: it passes comments, instructions and document types on. */
  readonly isRestricted: boolean
  /** Whether the declaration says something other than XML 1.0 in UTF-8, which is no concern of saxes, fed with text. */
  readonly isForeign: boolean
  /** Whether a name's local part begins with what begins no name, which saxes admits and Namespaces in XML §4 does not. */
  readonly isMisnamed: boolean
  /** Whether a namespace begins or ends with white space, which saxes cuts off and Namespaces in XML does not. */
  readonly isTrimmed: boolean
}

const nameStart =
  /^[A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\u{10000}-\u{effff}]/u

function theirs(text: string): Verdict {
  const parser = new SaxesParser({ xmlns: true })
  const root: (Tree | string)[] = []
  const open = [root]
  let error: string | undefined
  let isRestricted = false
  let isForeign = false
  let isMisnamed = false
  let isTrimmed = false
  parser.on('error', (fault) => (error ??= fault.message))
  parser.on('comment', () => (isRestricted = true))
  parser.on('processinginstruction', () => (isRestricted = true))
  parser.on('doctype', () => (isRestricted = true))
  parser.on('xmldecl', ({ version, encoding = 'UTF-8' }) => {
    isForeign = version !== '1.0' || encoding.toUpperCase() !== 'UTF-8'
  })
  parser.on('text', (piece) => addText(open.at(-1)!, piece))
  parser.on('cdata', (piece) => addText(open.at(-1)!, piece))
  parser.on('opentag', (tag) => {
    const attrs: Record<string, string> = {}
    for (const { uri, prefix, local, name, value } of Object.values(tag.attributes)) {
      if (!nameStart.test(local === '' ? name : local)) isMisnamed = true
      if (prefix === 'xmlns' || name === 'xmlns') {
        if (value !== value.trim()) isTrimmed = true
        continue
      }
      attrs[prefix === 'xml' ? name : prefix === '' ? local : `{${uri}}${local}`] = value
    }
    if (!nameStart.test(tag.local)) isMisnamed = true
    const tree: Tree = { name: tag.local, ns: tag.uri, attrs: sorted(attrs), children: [] }
    open.at(-1)!.push(tree)
    open.push(tree.children)
  })
  parser.on('closetag', () => open.pop())
  parser.write(text).close()
  const tree = root.find((one) => typeof one !== 'string')
  return {
    ...(tree && { tree }),
    ...(error !== undefined && { error }),
    isRestricted,
    isForeign,
    isMisnamed,
    isTrimmed,
  }
}

/** What differs, if anything does. */
function difference(text: string): string | undefined {
  // The one leniency of ours: white space before the declaration, where a keepalive before a restart would stand.
  const verdict = theirs(text.replace(/^\ufeff?[ \t\r\n]+(?=<\?xml[ \t\r\n])/, ''))
  if (verdict.isTrimmed) return undefined
  const isAccepted = verdict.error === undefined && !verdict.isMisnamed
  const expected = isAccepted && !verdict.isRestricted && !verdict.isForeign
  let tree: Tree | undefined
  let refusal: string | undefined
  try {
    tree = ours(parse(text, { ...defaultLimits, depth: 1000, attributes: 1000 }))
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    refusal = `${error.condition}: ${error.message}`
  }
  const seen = JSON.stringify(tree)
  const wanted = JSON.stringify(verdict.tree)
  if (expected && tree === undefined) return `saxes accepts, we refuse: ${refusal}`
  if (!expected && tree !== undefined) return `saxes refuses, we accept: ${verdict.error ?? 'restricted'}`
  if (expected && seen !== wanted) return `the trees differ:\n${seen}\n${wanted}`
  const again = chunked(text)
  if (again !== (seen ?? refusal)) return `in single bytes it is otherwise:\n${seen ?? refusal}\n${again}`
  if (tree !== undefined) {
    const rewritten = JSON.stringify(ours(parse(String(parse(text)))))
    if (rewritten !== seen) return `written and read again it differs:\n${seen}\n${rewritten}`
  }
  return undefined
}

/** What a document comes to when it drips in, as the tree or the refusal. */
function chunked(text: string): string {
  const parser = new XmlParser({ ...defaultLimits, depth: 1000, attributes: 1000 }, true)
  let tree: string | undefined
  try {
    for (const byte of new TextEncoder().encode(text)) {
      parser.write(Uint8Array.of(byte))
      const item = parser.read()
      if (item instanceof Element) tree = JSON.stringify(ours(item))
    }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    return `${error.condition}: ${error.message}`
  }
  if (tree !== undefined && parser.buffered === 0) return tree
  return 'not-well-formed: the text ends within an element'
}

const next = random(seed)
let compared = 0
let accepted = 0
while (performance.now() < end) {
  const text = mutated(next)
  const differs = difference(text)
  compared++
  if (differs !== undefined) {
    console.log(`seed ${seed}, document ${compared}: ${JSON.stringify(text)}\n${differs}`)
    process.exitCode = 1
    break
  }
  if (theirs(text).error === undefined) accepted++
}
console.log(`seed ${seed}: ${compared} documents compared, ${accepted} of them well-formed`)
