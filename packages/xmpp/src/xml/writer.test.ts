import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { streamNs } from '../namespaces.ts'
import { Element, type Node, xml } from './element.ts'
import { parse, XmlParser } from './parser.ts'
import { xmlNs } from './scope.ts'
import { escapeAttribute, escapeText, write } from './writer.ts'

/** Equal trees give equal values: namespaces by meaning, attributes in any order, adjacent text joined. */
function meaning(element: Element): unknown {
  const children: unknown[] = []
  for (const node of element.children) {
    const last = children.length - 1
    if (typeof node !== 'string') children.push(meaning(node))
    else if (typeof children[last] === 'string') children[last] += node
    else if (node !== '') children.push(node)
  }
  const attrs: Record<string, string> = {}
  for (let i = 0; i < element.attrs.length; i += 2) attrs[element.attrs[i]!] = element.attrs[i + 1]!
  return { name: element.name, ns: element.ns, attrs, children }
}

function nextOf(parser: XmlParser): Element {
  const item = parser.read()
  if (!(item instanceof Element)) throw new Error('no element')
  return item
}

const name = fc.constantFrom('a', 'b', 'message', 'n0', 'é', '\u{10000}.-·')
const ns = fc.constantFrom('', 'jabber:client', 'urn:x', `urn:'<&">`, 'a}b', streamNs, xmlNs)
const character = fc.oneof(
  fc.constantFrom('&', '<', '>', "'", '"', '\t', '\n', '\r', ']', ' ', ';', 'é', '\u{1f600}'),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
)
const text = fc.array(character, { maxLength: 6 }).map((parts) => parts.join('').replaceAll(/[^\P{C}\t\n\r]/gu, ''))
const attribute = fc.oneof(
  name,
  fc.constant('xml:lang'),
  fc.tuple(ns, name).map(([space, local]) => (space === '' || space === xmlNs ? local : `{${space}}${local}`)),
)
const attributes = fc.dictionary(attribute, text, { maxKeys: 4, noNullPrototype: true })
const { element } = fc.letrec<{ element: Element; node: Node }>((tie) => ({
  node: fc.oneof({ depthSize: 'small' }, text, tie('element')),
  element: fc
    .tuple(name, ns, attributes, fc.array(tie('node'), { maxLength: 4 }))
    .map(([local, space, attrs, children]) => xml(local, space, attrs, ...children)),
}))

describe('what is written is read as the same tree', () => {
  test('standing alone', () => {
    fc.assert(
      fc.property(element, (tree) => {
        expect(meaning(parse(write(tree)))).toEqual(meaning(tree))
      }),
      { numRuns: 1000 },
    )
  })

  test('within any default namespace, within a TCP stream or not', () => {
    fc.assert(
      fc.property(
        element,
        ns.filter((scope) => scope !== streamNs && scope !== xmlNs),
        fc.boolean(),
        (tree, scope, streamPrefix) => {
          const header = write(xml('outer', scope, streamPrefix ? { [`{${streamNs}}x`]: '' } : {})).replaceAll(
            'n0',
            'stream',
          )
          const parser = new XmlParser()
          parser.write(header.replace('/>', '>') + write(tree, scope, streamPrefix))
          parser.read()
          expect(meaning(nextOf(parser))).toEqual(meaning(tree))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('rendered once for all copies, and right for each', () => {
    fc.assert(
      fc.property(element, attributes, ns, (tree, attrs, scope) => {
        const copy = tree.with(attrs)
        write(tree, tree.ns)
        expect(write(copy, scope)).toBe(write(new Element(copy.name, copy.ns, copy.attrs, copy.children), scope))
        const longer = copy.append(xml('c', 'urn:c'))
        expect(write(longer, scope)).toBe(write(new Element(copy.name, copy.ns, copy.attrs, longer.children), scope))
        // Also when what it has in common with shorter ones has not been rendered before.
        const longest = tree.with(attrs).append('t').append(xml('c', 'urn:c'), 'u').with({ id: '1' })
        expect(write(longest, scope)).toBe(
          write(new Element(longest.name, longest.ns, longest.attrs, longest.children), scope),
        )
      }),
    )
  })

  test('Namespaces in XML §6: prefixes and defaults declared anywhere keep their meaning', () => {
    const parser = new XmlParser()
    parser.write(
      `<s:stream xmlns='jabber:client' xmlns:s='${streamNs}' xmlns:x='urn:x'>` +
        `<message x:y='1'><x:a/><x:b xmlns:x='urn:other' xmlns=''><c/></x:b><s:d><e/></s:d></message>`,
    )
    parser.read()
    expect(write(nextOf(parser), 'jabber:client', true)).toBe(
      `<message xmlns:n0='urn:x' n0:y='1'><a xmlns='urn:x'/><b xmlns='urn:other'><c xmlns=''/></b>` +
        `<stream:d xmlns:stream='${streamNs}'><e/></stream:d></message>`,
    )
  })
})

test('RFC 6120 §4.8.5: elements of the stream have its prefix', () => {
  const features = xml('features', streamNs, undefined, xml('starttls', 'urn:tls'))
  expect(write(features, 'jabber:client', true)).toBe(`<stream:features><starttls xmlns='urn:tls'/></stream:features>`)
  expect(String(features)).toBe(
    `<stream:features xmlns:stream='${streamNs}'><starttls xmlns='urn:tls'/></stream:features>`,
  )
})

test('Namespaces in XML §3: the xml namespace has its own prefix and no other', () => {
  expect(String(parse('<a><xml:b><c/></xml:b></a>'))).toBe('<a><xml:b><c/></xml:b></a>')
})

test('XML 1.0 §2.2: text of any kind makes XML', () => {
  expect(escapeText(`a\0\u0008\ufffe\ud800<>&\u{1f600}'"\t\n\r`)).toBe(
    `a\ufffd\ufffd\ufffd\ufffd&lt;&gt;&amp;\u{1f600}'"\t\n&#13;`,
  )
  expect(escapeAttribute(`a\0\ud800<'"&\u{1f600}\t\n\r`)).toBe(
    `a\ufffd\ufffd&lt;&apos;&quot;&amp;\u{1f600}&#9;&#10;&#13;`,
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (any) => {
      expect(() => parse(String(xml('a', 'u', { b: any }, any)))).not.toThrow()
    }),
  )
})
