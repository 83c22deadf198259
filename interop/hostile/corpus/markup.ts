import { attacks } from '../attack.ts'
import { header } from '../peer.ts'

const nine = Array.from('bcdefghij', (name, at) => `<!ENTITY ${name} "${`&${'abcdefghi'[at]};`.repeat(10)}">`).join('')
const billionLaughs = `<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a "lol">${nine}]>${header.slice(21)}<message><body>&j;</body></message>`
const depth = (levels: number) => '<a>'.repeat(levels)
const attributes = (count: number) => Array.from({ length: count }, (_, at) => ` a${at}=''`).join('')
const big = (size: number) => 'x'.repeat(size)
const body = (text: string) => `<message to='{jid}'><body>${text}</body></message>`

/** XML that a stream must not carry, or not so much of it. */
export const markup = [
  ...attacks('raw', [
    ['RFC 6120 §11.1: a document type', `<?xml version='1.0'?><!DOCTYPE stream>${header}`, 'error restricted-xml'],
    ['RFC 6120 §11.1: a billion laughs', billionLaughs, 'error restricted-xml'],
    [
      'RFC 6120 §11.1: an external document type',
      `<!DOCTYPE s SYSTEM 'file:///etc/passwd'>${header}`,
      'error restricted-xml',
    ],
    [
      'RFC 6120 §11.1: an external entity',
      `<!DOCTYPE s [<!ENTITY x SYSTEM 'http://127.0.0.1:1/'>]>${header}`,
      'error restricted-xml',
    ],
    ['RFC 6120 §11.1: a comment before the header', `<!-- hi -->${header}`, 'error restricted-xml'],
    ['RFC 6120 §11.1: a processing instruction before the header', `<?php echo 1 ?>${header}`, 'error restricted-xml'],
    ['RFC 6120 §11.5: two XML declarations', `<?xml version='1.0'?>${header}`, 'error restricted-xml'],
    [
      'RFC 6120 §11.5: a declaration of XML 1.1',
      header.replace("version='1.0'?", "version='1.1'?"),
      'error not-well-formed',
    ],
    [
      'RFC 6120 §11.6: a declaration of ISO-8859-1',
      header.replace("'1.0'?", "'1.0' encoding='ISO-8859-1'?"),
      'error unsupported-encoding',
    ],
    [
      'RFC 6120 §11.6: a declaration of UTF-16',
      header.replace("'1.0'?", "'1.0' encoding='UTF-16'?"),
      'error unsupported-encoding',
    ],
    [
      'RFC 6120 §4.9.3.14: a header without end',
      `<stream:stream ${big(20_000)}`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: a header with 1,000 attributes',
      header.replace(' to=', `${attributes(1000)} to=`),
      'error policy-violation stanza-too-big',
    ],
    ['RFC 6120 §4.9.3.13: text instead of a header', 'hello', 'error not-well-formed'],
    ['RFC 6120 §4.9.3.13: an end tag instead of a header', '</stream:stream>', 'error not-well-formed'],
    [
      'RFC 6120 §4.9.3.13: a header with its prefix undeclared',
      "<stream:stream to='localhost' version='1.0'>",
      'error not-well-formed',
    ],
    ['RFC 6120 §4.9.3.13: NUL bytes', '\0'.repeat(100), 'error not-well-formed'],
  ]),
  ...attacks('header', [
    [
      'RFC 6120 §4.9.3.14: an element of 20 KB before login',
      `<auth xmlns='urn:x'>${big(20_000)}</auth>`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: the same in pieces',
      Array(20)
        .fill(`<a>${big(1000)}</a>`)
        .with(0, "<auth xmlns='urn:x'>"),
      'error policy-violation stanza-too-big',
    ],
    ['RFC 6120 §4.9.3.14: a name without end before login', `<${big(20_000)}`, 'error policy-violation stanza-too-big'],
    [
      'RFC 6120 §4.9.3.14: an attribute without end before login',
      `<auth mechanism='${big(20_000)}`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: CDATA without end before login',
      `<auth><![CDATA[${big(20_000)}`,
      'error policy-violation stanza-too-big',
    ],
    ['RFC 6120 §4.9.3.14: 100,000 levels before login', depth(100_000), 'error policy-violation stanza-too-big'],
    ['RFC 6120 §11.1: a comment before login', '<!-- hi -->', 'error restricted-xml'],
    ['RFC 6120 §11.1: an undeclared entity before login', '<auth>&xxe;</auth>', 'error restricted-xml'],
  ]),
  ...attacks('bound', [
    ['RFC 6120 §11.1: a comment between stanzas', '<!-- hi -->', 'error restricted-xml'],
    ['RFC 6120 §11.1: a comment within a stanza', body('<!-- hi -->'), 'error restricted-xml'],
    ['RFC 6120 §11.1: a comment that never ends', '<!--', 'error restricted-xml'],
    ['RFC 6120 §11.1: a processing instruction between stanzas', '<?do it?>', 'error restricted-xml'],
    ['RFC 6120 §11.1: a processing instruction within a stanza', body('<?do it?>'), 'error restricted-xml'],
    ['RFC 6120 §11.1: an XML declaration within a stream', "<?xml version='1.0'?>", 'error restricted-xml'],
    ['RFC 6120 §11.1: a document type within a stream', '<!DOCTYPE a>', 'error restricted-xml'],
    ['RFC 6120 §11.1: an entity declaration within a stanza', body('<!ENTITY a "b">'), 'error restricted-xml'],
    ['RFC 6120 §11.1: an undeclared entity in text', body('&nbsp;'), 'error restricted-xml'],
    ['RFC 6120 §11.1: an undeclared entity in an attribute', "<message id='&xxe;'/>", 'error restricted-xml'],
    ['RFC 6120 §11.3: an entity without a name', body('&;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a bare ampersand', body('a & b'), 'error not-well-formed'],
    ['RFC 6120 §11.3: an ampersand at the end', body('&'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference to NUL', body('&#0;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference to a control character', body('&#x1;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference to a surrogate', body('&#xD800;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference to U+FFFE', body('&#xFFFE;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference beyond U+10FFFF', body('&#x110000;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference of a thousand digits', body(`&#${'9'.repeat(1000)};`), 'error not-well-formed'],
    ['RFC 6120 §11.3: a reference with a capital X', body('&#X41;'), 'error not-well-formed'],
    ['RFC 6120 §11.3: ]]> in text', body(']]>'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a CDATA section between stanzas', '<![CDATA[ ]]>', 'error bad-format'],
    ['RFC 6120 §11.3: a CDATA section that is none', body('<![CDATB[a]]>'), 'error not-well-formed'],
    ['RFC 6120 §11.3: a conditional section', body('<![INCLUDE[a]]>'), 'error not-well-formed'],
    [
      'RFC 6120 §11.3: tags in CDATA are text, and end nothing',
      body('<![CDATA[</body></message></stream:stream>]]>'),
      'message',
    ],
    ['RFC 6120 §11.3: tags that cross', '<message><body></message></body>', 'error not-well-formed'],
    ['RFC 6120 §11.3: an end tag of another name', '<message></presence>', 'error not-well-formed'],
    [
      'RFC 6120 §11.3: an end tag of another prefix',
      "<a:x xmlns:a='urn:a' xmlns:b='urn:a'></b:x>",
      'error not-well-formed',
    ],
    ['RFC 6120 §11.3: an end tag with an attribute', "<message></message a='b'>", 'error not-well-formed'],
    ['RFC 6120 §11.3: an end of the stream within a stanza', '<message></stream:stream>', 'error not-well-formed'],
    ['RFC 6120 §11.3: text between stanzas', 'hello', 'error bad-format'],
    ['RFC 6120 §11.3: an attribute without a value', '<message id/>', 'error not-well-formed'],
    ['RFC 6120 §11.3: an attribute without quotes', '<message id=1/>', 'error not-well-formed'],
    ['RFC 6120 §11.3: < in an attribute', "<message id='<'/>", 'error not-well-formed'],
    ['RFC 6120 §11.3: attributes with no space between', "<message id='1'type='chat'/>", 'error not-well-formed'],
    ['RFC 6120 §11.3: an attribute twice', "<message id='1' id='2'/>", 'error not-well-formed'],
    ['RFC 6120 §11.3: a name that begins with a digit', '<1/>', 'error not-well-formed'],
    ['RFC 6120 §11.3: a space before the name', '< message/>', 'error not-well-formed'],
    ['RFC 6120 §11.3: two slashes', '<message//>', 'error not-well-formed'],
    ['RFC 6120 §11.3: an empty tag', '<>', 'error not-well-formed'],
    ['Namespaces in XML §5: a prefix that is not declared', '<a:message/>', 'error not-well-formed'],
    ['Namespaces in XML §5: an attribute whose prefix is not declared', "<message a:id='1'/>", 'error not-well-formed'],
    [
      'Namespaces in XML §5: a prefix of an element that has ended',
      "<message><a xmlns:p='urn:p'/><p:b/></message>",
      'error not-well-formed',
    ],
    ['Namespaces in XML §4: two colons in a name', "<a:b:c xmlns:a='urn:a'/>", 'error not-well-formed'],
    ['Namespaces in XML §4: a name that begins with a colon', '<:message/>', 'error not-well-formed'],
    [
      'Namespaces in XML §3: xml is bound to another namespace',
      "<message xmlns:xml='urn:x'/>",
      'error not-well-formed',
    ],
    [
      'Namespaces in XML §3: another prefix is bound to the namespace of xml',
      "<message xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
      'error not-well-formed',
    ],
    ['Namespaces in XML §3: xmlns is declared', "<message xmlns:xmlns='urn:x'/>", 'error not-well-formed'],
    [
      'Namespaces in XML §3: the namespace of xmlns is bound',
      "<message xmlns:x='http://www.w3.org/2000/xmlns/'/>",
      'error not-well-formed',
    ],
    ['Namespaces in XML §5: a prefix is undeclared', "<message xmlns:x=''/>", 'error not-well-formed'],
    [
      'Namespaces in XML §6.3: one attribute under two prefixes',
      "<message xmlns:a='urn:x' xmlns:b='urn:x' a:i='1' b:i='2'/>",
      'error not-well-formed',
    ],
    [
      'Namespaces in XML §6.3: a prefix is declared twice',
      "<message xmlns:a='urn:x' xmlns:a='urn:y'/>",
      'error not-well-formed',
    ],
    [
      'Namespaces in XML §6.3: the default namespace is declared twice',
      "<message xmlns='jabber:client' xmlns='jabber:client'/>",
      'error not-well-formed',
    ],
    ['RFC 6120 §4.9.3.14: a stanza of 300 KB', body(big(300_000)), 'error policy-violation stanza-too-big'],
    ['RFC 6120 §4.9.3.14: a name of 300 KB', `<${big(300_000)}/>`, 'error policy-violation stanza-too-big'],
    [
      'RFC 6120 §4.9.3.14: the name of an attribute of 300 KB',
      `<message ${big(300_000)}=''/>`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: an attribute of 300 KB',
      `<message id='${big(300_000)}'/>`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: a stanza of 300 KB of empty elements',
      `<message>${'<a/>'.repeat(75_000)}</message>`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: a stanza of 300 KB of references',
      body('&amp;'.repeat(60_000)),
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: a namespace of 300 KB',
      `<message xmlns:a='${big(300_000)}'/>`,
      'error policy-violation stanza-too-big',
    ],
    [
      'RFC 6120 §4.9.3.14: an end tag that does not end',
      `<message></message${' '.repeat(300_000)}`,
      'error policy-violation stanza-too-big',
    ],
    ['RFC 6120 §4.9.3.14: 65 levels', depth(65), 'error policy-violation stanza-too-big'],
    ['RFC 6120 §4.9.3.14: 50,000 levels', depth(50_000), 'error policy-violation stanza-too-big'],
    ['RFC 6120 §4.9.3.14: 65 attributes', `<message${attributes(65)}/>`, 'error policy-violation stanza-too-big'],
    [
      'RFC 6120 §4.9.3.14: 65 namespaces',
      `<message${attributes(65).replaceAll(' a', ' xmlns:a').replaceAll("''", "'urn:x'")}/>`,
      'error policy-violation stanza-too-big',
    ],
  ]),
]
