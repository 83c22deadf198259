import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closed, defaultLimits, parse, type ParserLimits, XmlParser } from './parser.ts'
import { XmlError } from './xml-error.ts'

const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`

/** Everything that comes out, an error as its condition, as text that can be compared. */
function outcome(chunks: Iterable<Uint8Array | string>, limits?: ParserLimits): string[] {
  const parser = new XmlParser(limits)
  const items: string[] = []
  try {
    for (const chunk of chunks) {
      parser.write(chunk)
      for (let item = parser.read(); item !== undefined; item = parser.read())
        items.push(item === closed ? 'closed' : String(item))
    }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    items.push(error.condition)
  }
  return items
}

function errorOf(parser: XmlParser): XmlError {
  try {
    parser.read()
  } catch (error) {
    if (error instanceof XmlError) return error
  }
  throw new Error('no XmlError')
}

const bytes = (text: string) => new TextEncoder().encode(text)

/** What a stream gives after its header. */
function stream(text: string, limits?: ParserLimits): string[] {
  return outcome([header + text], limits).slice(1)
}

describe('a stream', () => {
  test('RFC 6120 §4.2: header, stanzas one by one, end', () => {
    const parser = new XmlParser()
    parser.write(
      `<?xml version='1.0'?>${header}<message id='1'><body>hi</body></message> <presence/></stream:stream>\n`,
    )
    expect(parser.read()).toMatchObject({ name: 'stream', attrs: ['version', '1.0'], children: [] })
    expect(parser.defaultNamespace).toBe('jabber:client')
    const message = parser.read()
    expect(message).toMatchObject({ name: 'message', ns: 'jabber:client', attrs: ['id', '1'] })
    expect(message).toMatchObject({ children: [{ name: 'body', ns: 'jabber:client', children: ['hi'] }] })
    expect(parser.read()).toMatchObject({ name: 'presence' })
    expect(parser.read()).toBe(closed)
    expect(parser.read()).toBeUndefined()
    expect(parser.buffered).toBe(0)
  })

  test('RFC 6120 §4.3.3: after a restart the unread text is a new stream', () => {
    const parser = new XmlParser()
    parser.write(`${header}<auth/>\n<?xml version='1.0'?>${header.replace('client', 'server')}<a/>`)
    parser.read()
    expect(parser.read()).toMatchObject({ name: 'auth' })
    parser.restart()
    expect(parser.read()).toMatchObject({ name: 'stream' })
    expect(parser.defaultNamespace).toBe('jabber:server')
    expect(parser.read()).toMatchObject({ name: 'a', ns: 'jabber:server' })
  })

  test('RFC 6120 §4.3.3: a restart within a token that has begun', () => {
    const parser = new XmlParser()
    parser.write(`${header}<auth/><stream:str`)
    parser.read()
    parser.read()
    expect(parser.read()).toBeUndefined()
    parser.restart()
    parser.write(header.slice('<stream:str'.length))
    expect(parser.read()).toMatchObject({ name: 'stream' })
  })

  test('RFC 6120 §5.3.1: what was sent behind <starttls/> is dropped, faults in it too', () => {
    const parser = new XmlParser()
    parser.write(bytes(`${header}<starttls/><evil>\0`))
    parser.read()
    parser.read()
    expect(parser.buffered).toBe(6)
    expect(parser.discard()).toBe(6)
    expect(parser.buffered).toBe(0)
    parser.restart()
    parser.write(header)
    expect(parser.read()).toMatchObject({ name: 'stream' })
  })

  test('a header that is its own end', () => {
    expect(outcome([`<stream xmlns='a'/>`])).toEqual([`<stream xmlns='a'/>`, 'closed'])
  })

  test('limits can change while it runs', () => {
    const parser = new XmlParser({ ...defaultLimits, stanzaBytes: 200 })
    parser.write(header)
    parser.read()
    const stanza = `<a>${'x'.repeat(200)}</a>`
    parser.limits = { ...defaultLimits, stanzaBytes: 300 }
    parser.write(stanza)
    expect(parser.read()).toMatchObject({ name: 'a' })
    parser.limits = { ...defaultLimits, stanzaBytes: 200 }
    parser.write(stanza)
    expect(() => parser.read()).toThrow('more than 200 bytes')
    expect(() => parser.read()).toThrow('more than 200 bytes')
    parser.write(stanza)
    expect(parser.buffered).toBe(0)
  })

  test('streams, and what stands alone, are read by turns', () => {
    const line = (id: string) => `<a id='${id}'>&lt;</a><b id="\n&amp;"/><c/>`
    const [first, second] = [new XmlParser(), new XmlParser()]
    const headers = [header, header.replaceAll('stream:', 's:').replace(':stream=', ':s=')]
    for (const [i, parser] of [first, second].entries()) {
      parser.write(`${headers[i]}${line(String(i))}`)
      expect(parser.read()).toMatchObject({ name: 'stream', ns: 'http://etherx.jabber.org/streams' })
    }
    for (const parser of [first, second]) expect(parser.read()).toMatchObject({ name: 'a', children: ['<'] })
    expect(first.read()).toMatchObject({ name: 'b', attrs: ['id', ' &'] })
    expect(parse(`<a id='\t'/>`)).toMatchObject({ attrs: ['id', ' '] })
    expect(second.read()).toMatchObject({ name: 'b', attrs: ['id', ' &'] })
    for (const parser of [second, first]) expect(parser.read()).toMatchObject({ name: 'c', ns: 'jabber:client' })
    second.write('</s:stream>')
    first.write('</s:stream>')
    expect(second.read()).toBe(closed)
    expect(() => first.read()).toThrow('this is not the end of stream:stream')
  })

  test('nothing is kept of what was read', () => {
    const parser = new XmlParser()
    parser.write(`${header}<a/> `)
    while (parser.read() !== undefined);
    expect(parser.buffered).toBe(0)
  })
})

test.each<[rule: string, text: string, ...items: string[]]>([
  // What is refused. The error comes after what stood before it.
  ['RFC 6120 §11.1: comment', '<a/><!-- x -->', `<a xmlns='jabber:client'/>`, 'restricted-xml'],
  ['RFC 6120 §11.1: comment within a stanza', '<a><!-', 'restricted-xml'],
  ['RFC 6120 §11.1: processing instruction', '<a><?php x?></a>', 'restricted-xml'],
  ['RFC 6120 §11.1: XML declaration within the stream', `<?xml version='1.0'?>`, 'restricted-xml'],
  ['RFC 6120 §11.1: document type', '<!DOCTYPE a>', 'restricted-xml'],
  ['RFC 6120 §11.1: entity', '<a>&nbsp;</a>', 'restricted-xml'],
  ['RFC 6120 §11.1: entity in an attribute', `<a b='&x;'/>`, 'restricted-xml'],
  ['RFC 6120 §4.9.3.1: text between stanzas', '<a/>x', `<a xmlns='jabber:client'/>`, 'bad-format'],
  ['RFC 6120 §4.9.3.1: CDATA between stanzas', '<![CDATA[x]]>', 'bad-format'],
  ['RFC 6120 §11.3: prefix without declaration', '<p:a/>', 'not-well-formed'],
  ['RFC 6120 §11.3: attribute prefix without declaration', `<a p:b=''/>`, 'not-well-formed'],
  ['XML 1.0 §2.1: mismatched end', '<a></b>', 'not-well-formed'],
  ['XML 1.0 §2.1: end that is longer', '<a></ab>', 'not-well-formed'],
  ['XML 1.0 §2.1: end with an attribute', `<a></a b='c'>`, 'not-well-formed'],
  ['XML 1.0 §2.1: content behind the end', '</stream:stream><a/>', 'closed', 'not-well-formed'],
  ['XML 1.0 §2.2: control character', '<a>\u0001</a>', 'not-well-formed'],
  ['XML 1.0 §2.2: U+FFFE', '<a>\ufffe</a>', 'not-well-formed'],
  ['XML 1.0 §2.2: half a surrogate pair', '<a>\ud83dx</a>', 'not-well-formed'],
  ['XML 1.0 §2.2: reference to a control character', '<a>&#1;</a>', 'not-well-formed'],
  ['XML 1.0 §2.2: reference to a surrogate', '<a>&#xD83D;</a>', 'not-well-formed'],
  ['XML 1.0 §2.2: reference beyond Unicode', '<a>&#x110000;</a>', 'not-well-formed'],
  ['XML 1.0 §2.3: name that begins with a digit', '<1/>', 'not-well-formed'],
  ['XML 1.0 §2.4: ]]> in text', '<a>]]></a>', 'not-well-formed'],
  ['XML 1.0 §2.4: ampersand', '<a>b & c;</a>', 'not-well-formed'],
  ['XML 1.0 §2.7: CDATA misspelt', '<a><![CDaTA[', 'not-well-formed'],
  ['XML 1.0 §3.1: < in an attribute', `<a b='<'/>`, 'not-well-formed'],
  ['XML 1.0 §3.1: attribute without quotes', '<a b=c/>', 'not-well-formed'],
  ['XML 1.0 §3.1: attribute without value', '<a b/>', 'not-well-formed'],
  ['XML 1.0 §3.1: no space between attributes', `<a b=''c=''/>`, 'not-well-formed'],
  ['XML 1.0 §3.1: attribute twice', `<a b='' b=''/>`, 'not-well-formed'],
  ['XML 1.0 §3.1: tag without name', '< a/>', 'not-well-formed'],
  ['XML 1.0 §3.1: slash without end', '<a / >', 'not-well-formed'],
  [
    'Namespaces in XML §6.3: attribute twice by namespace',
    `<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>`,
    'not-well-formed',
  ],
  ['Namespaces in XML §3: namespace declared twice', `<a xmlns='u' xmlns='v'/>`, 'not-well-formed'],
  ['Namespaces in XML §3: prefix declared twice', `<a xmlns:p='u' xmlns:p='u'/>`, 'not-well-formed'],
  ['Namespaces in XML §5: prefix undeclared', `<a xmlns:stream=''/>`, 'not-well-formed'],
  ['Namespaces in XML §3: xmlns as prefix', `<xmlns:a/>`, 'not-well-formed'],
  ['Namespaces in XML §3: xmlns declared', `<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>`, 'not-well-formed'],
  ['Namespaces in XML §3: xmlns namespace declared', `<a xmlns='http://www.w3.org/2000/xmlns/'/>`, 'not-well-formed'],
  ['Namespaces in XML §3: xml bound anew', `<a xmlns:xml='u'/>`, 'not-well-formed'],
  [
    'Namespaces in XML §3: xml namespace for another',
    `<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>`,
    'not-well-formed',
  ],
  ['Namespaces in XML §4: two colons', `<a b:c:d=''/>`, 'not-well-formed'],
  ['Namespaces in XML §4: colon first', `<:a/>`, 'not-well-formed'],
  ['Namespaces in XML §4: colon last', `<stream:/>`, 'not-well-formed'],
  // What is accepted.
  ['XML 1.0 §2.7: CDATA', '<a>b<![CDATA[<&]]]>c<![CDATA[]]></a>', `<a xmlns='jabber:client'>b&lt;&amp;]c</a>`],
  ['XML 1.0 §2.11: line ends', '<a>\r\n\r\n\r</a>', `<a xmlns='jabber:client'>\n\n\n</a>`],
  ['XML 1.0 §2.11: a carriage return referred to', '<a>&#13;</a>', `<a xmlns='jabber:client'>&#13;</a>`],
  ['XML 1.0 §3.3.3: white space in attributes', `<a b='\t\n\r\n&#10;'/>`, `<a xmlns='jabber:client' b='   &#10;'/>`],
  ['XML 1.0 §3.3.3: with a reference', `<a b='\t&amp;'/>`, `<a xmlns='jabber:client' b=' &amp;'/>`],
  ['XML 1.0 §4.1: characters', '<a>&#65;&#x1F600;&lt;&apos;</a>', `<a xmlns='jabber:client'>A\u{1f600}&lt;'</a>`],
  ['XML 1.0 §2.3: names of other planes', '<\u{10000}é·/>', `<\u{10000}é· xmlns='jabber:client'/>`],
  ['XML 1.0 §3.1: space in tags', `<a\n b = "'>" ><c /></a >`, `<a xmlns='jabber:client' b='&apos;>'><c/></a>`],
  ['Namespaces in XML §6.2: none', `<a xmlns=''/>`, `<a/>`],
  [
    'Namespaces in XML §6.1: of the header',
    `<stream:a x:b='' xmlns:x='u'/>`,
    `<stream:a xmlns:stream='http://etherx.jabber.org/streams' xmlns:n0='u' n0:b=''/>`,
  ],
  [
    'Namespaces in XML §6.1: nested',
    `<p:a xmlns:p='u'><p:a xmlns:p='v'/><p:a/></p:a>`,
    `<a xmlns='u'><a xmlns='v'/><a/></a>`,
  ],
  [
    'Namespaces in XML §3: xml',
    `<a xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>`,
    `<a xmlns='jabber:client' xml:lang='en'/>`,
  ],
])('%s', (_rule, text, ...items) => {
  expect(stream(text)).toEqual(items)
  expect(outcome((header + text).split('')).slice(1)).toEqual(items)
})

test.each<[rule: string, input: Uint8Array, ...items: string[]]>([
  ['RFC 6120 §4.9.3.22: another encoding', bytes(`<?xml version='1.0' encoding='latin1'?>`), 'unsupported-encoding'],
  ['RFC 6120 §4.9.3.22: UTF-16', Uint8Array.of(0xfe, 0xff, 0, 0x3c), 'unsupported-encoding'],
  [
    'RFC 6120 §4.9.3.22: bad UTF-8',
    Uint8Array.of(...bytes('<a/>'), 0xc3, 0x28),
    '<a/>',
    'closed',
    'unsupported-encoding',
  ],
  [
    'RFC 6120 §4.9.3.22: overlong UTF-8',
    Uint8Array.of(...bytes('<a><b>é'), 0xc0, 0x80),
    '<a/>',
    'unsupported-encoding',
  ],
  ['RFC 6120 §11.6: byte-order mark', bytes(`\ufeff<?xml version="1.0" encoding='utf-8' ?><a/>`), '<a/>', 'closed'],
  ['RFC 6120 §11.5: XML 1.1', bytes(`<?xml version='1.1'?>`), 'not-well-formed'],
  ['XML 1.0 §2.8: declaration', bytes(`<?xml encoding='utf-8'?>`), 'not-well-formed'],
  ['RFC 6120 §11.1: instruction before the header', bytes(`<?xmlx?>`), 'restricted-xml'],
  ['RFC 6120 §11.1: document type before the header', bytes(`<!DOCTYPE a []><a/>`), 'restricted-xml'],
  ['XML 1.0 §2.1: another protocol', bytes('GET / HTTP/1.1\r\n'), 'not-well-formed'],
  ['XML 1.0 §2.1: end without a start', bytes('</a>'), 'not-well-formed'],
])('%s', (_rule, input, ...items) => {
  expect(outcome([input])).toEqual(items)
  expect(outcome([...input].map((byte) => Uint8Array.of(byte)))).toEqual(items)
})

describe('RFC 6120 §13.12: limits', () => {
  const limits = { stanzaBytes: 120, depth: 3, attributes: 3 }
  test.each([
    ['text', `<a>${'x'.repeat(113)}</a>`, `<a>${'x'.repeat(114)}</a>`],
    ['attribute', `<a b='${'x'.repeat(111)}'/>`, `<a b='${'x'.repeat(112)}'/>`],
    ['CDATA', `<a><![CDATA[${'x'.repeat(101)}]]></a>`, `<a><![CDATA[${'x'.repeat(102)}]]></a>`],
    ['depth', '<a><a><a/></a></a>', '<a><a><a><a/></a></a></a>'],
    ['attributes', `<a a='' b='' xmlns=''/>`, `<a a='' b='' c='' xmlns=''/>`],
    ['end tag', `<a>${'x'.repeat(112)}</a >`, `<a>${'x'.repeat(112)}</a  >`],
  ])('%s', (_name, accepted, refused) => {
    for (const chunks of [(text: string) => [text], (text: string) => text.split('')]) {
      expect(outcome(chunks(header + accepted + accepted), limits)).toHaveLength(3)
      expect(outcome(chunks(header + accepted + refused), limits)).toEqual([
        ...outcome([header + accepted], limits),
        'policy-violation',
      ])
    }
  })

  test('a token without end is refused as soon as it is too long', () => {
    for (const beginning of ['<a>', `<a b='`, '<a ', '<a><![CDATA[', '</', '<'])
      expect(stream(beginning + 'x'.repeat(120), limits)).toEqual(['policy-violation'])
  })

  test('XEP-0205 §4: the error says what was too big', () => {
    const parser = new XmlParser(limits)
    parser.write(`<a>${'<b>'.repeat(4)}`)
    parser.read()
    const error = errorOf(parser)
    expect(String(error.toElement())).toBe(
      `<stream:error xmlns:stream='http://etherx.jabber.org/streams'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>more than 3 levels of elements</text>` +
        `<stanza-too-big xmlns='urn:xmpp:errors'/></stream:error>`,
    )
  })

  test('white space between stanzas is no stanza', () => {
    expect(stream(' '.repeat(1000), limits)).toEqual([])
  })
})

describe('whatever the chunks, the same items', () => {
  const bodies = [
    `<message to='é\u{1f600}'><body>a &amp; b\r\n\r<![CDATA[]]]]><![CDATA[>]]>\u{1f600}</body></message>\r\n</stream:stream> \n`,
    `<p:iq xmlns:p="u'>" p:x='>\t"'><q xmlns=''/></p:iq > <a/><!-- -->`,
    `<a b='&x;'`, `<a b='&x;'>`, `<a b='<'`, `<a>&x;`, `<a>]]>`, `<a>]]><`, `<a><![CDATA[`, `<a/>\u0001`, `<a \u0001`,
    `<a></b`, `<a></b>`, `<a/>x`, `<a><?`, `</stream:stream>x`, '<a>\ud800x</a>',
  ] // prettier-ignore
  const documents = [
    ...bodies.map((body) => bytes(`\ufeff<?xml version='1.0' encoding="UTF-8"?>\n${header}${body}`)),
    Uint8Array.of(...bytes(`${header}<a>é`), 0xe2, 0x82),
    Uint8Array.of(...bytes(`${header}<a>é`), 0xe2, 0x82, 0x3c),
    Uint8Array.of(...bytes(`${header}<a/><a>\u0001`), 0xff),
    Uint8Array.of(...bytes(`${header}<a/><a>`), 0xf0, 0x9f, 0x98, 0x80, 0x80),
  ]

  test('at every split, and byte by byte', () => {
    for (const document of documents) {
      const expected = outcome([document])
      for (let i = 0; i <= document.length; i++)
        expect(outcome([document.subarray(0, i), document.subarray(i)])).toEqual(expected)
      expect(outcome([...document].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
    }
  })

  test('strings split within surrogate pairs', () => {
    for (const body of bodies) {
      const text = header + body
      const expected = outcome([text])
      for (let i = 0; i <= text.length; i++) expect(outcome([text.slice(0, i), text.slice(i)])).toEqual(expected)
    }
  })

  const piece = fc.constantFrom(
    '<a>', '</a>', '<a/>', '<b ', `x='`, `y="`, `'`, '"', '>', '/>', '&amp;', '&', ';', '&#x41;', 'text', ' ', '\r', '\n', '\t',
    '<![CDATA[', ']]>', ']', '<?xml', '?>', '<!', '<', 'é', '\u{1f600}', `xmlns='u'`, `xmlns:p='v'`, '<p:a>', '</p:a>', '\u0001',
    `<message to='a@b'><body>hi</body></message>`,
  ) // prettier-ignore

  test('documents made at random, chunks too', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(30), { minLength: 1 }), (pieces, sizes) => {
        const limits = { stanzaBytes: 150, depth: 3, attributes: 2 }
        const document = bytes(header + pieces.join(''))
        const chunks: Uint8Array[] = []
        for (let at = 0, i = 0; at < document.length; i++) {
          const end = at + 1 + sizes[i % sizes.length]!
          chunks.push(document.subarray(at, end))
          at = end
        }
        expect(outcome(chunks, limits)).toEqual(outcome([document], limits))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('one element', () => {
  test('RFC 7395 §3.3.3: a frame', () => {
    expect(parse(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a'/>`)).toMatchObject({
      name: 'open',
      attrs: ['to', 'a'],
    })
    expect(String(parse(` <a><b/>x</a>\n`))).toBe('<a><b/>x</a>')
  })

  test.each([
    '',
    ' ',
    '<a>',
    '<a/><b/>',
    '<a/>x',
    '<a/><',
    '</a>',
    'x',
    '<a/></a>',
    '</>',
    '<a/>\u0001',
    '<p:a/>',
    `<a><?xml version='1.0'?></a>`,
  ])('%j is none', (text) => {
    expect(() => parse(text)).toThrow(XmlError)
  })
})
