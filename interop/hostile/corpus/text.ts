import { attacks } from '../attack.ts'
import { header } from '../peer.ts'

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
const inBody = (...bad: number[]) => bytes('<message><body>a', bad, 'b</body></message>')

/** RFC 6120 §11.6: what is not UTF-8; §11.3: characters that XML does not admit. */
export const text = [
  ...attacks('raw', [
    ['RFC 6120 §11.6: a stream in UTF-16', Buffer.from(`\ufeff${header}`, 'utf16le'), 'error unsupported-encoding'],
    [
      'RFC 6120 §11.6: a header in ISO-8859-1',
      Buffer.from(header.replace('to=', "id='é' to="), 'latin1'),
      'error unsupported-encoding',
    ],
  ]),
  ...attacks('header', [
    ['RFC 6120 §11.6: bad UTF-8 before login', bytes('<auth>', [0xff], '</auth>'), 'error unsupported-encoding'],
    ['RFC 6120 §11.6: bad UTF-8 between elements', bytes([0xc0, 0xaf]), 'error unsupported-encoding'],
  ]),
  ...attacks('bound', [
    ['RFC 3629 §3: an overlong slash of two bytes', inBody(0xc0, 0xaf), 'error unsupported-encoding'],
    ['RFC 3629 §3: an overlong slash of three bytes', inBody(0xe0, 0x80, 0xaf), 'error unsupported-encoding'],
    ['RFC 3629 §3: an overlong slash of four bytes', inBody(0xf0, 0x80, 0x80, 0xaf), 'error unsupported-encoding'],
    ['RFC 3629 §3: an overlong NUL', inBody(0xc0, 0x80), 'error unsupported-encoding'],
    ['RFC 3629 §3: an overlong <', bytes('<message>', [0xc0, 0xbc], 'body/></message>'), 'error unsupported-encoding'],
    ['RFC 3629 §3: a high surrogate', inBody(0xed, 0xa0, 0x80), 'error unsupported-encoding'],
    ['RFC 3629 §3: a low surrogate', inBody(0xed, 0xb0, 0x80), 'error unsupported-encoding'],
    [
      'RFC 3629 §3: a pair of surrogates (CESU-8)',
      inBody(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80),
      'error unsupported-encoding',
    ],
    ['RFC 3629 §3: U+110000', inBody(0xf4, 0x90, 0x80, 0x80), 'error unsupported-encoding'],
    ['RFC 3629 §3: five bytes', inBody(0xf8, 0x88, 0x80, 0x80, 0x80), 'error unsupported-encoding'],
    ['RFC 3629 §3: six bytes', inBody(0xfc, 0x84, 0x80, 0x80, 0x80, 0x80), 'error unsupported-encoding'],
    ['RFC 3629 §3: the byte FE', inBody(0xfe), 'error unsupported-encoding'],
    ['RFC 3629 §3: the byte FF', inBody(0xff), 'error unsupported-encoding'],
    ['RFC 3629 §3: a continuation without a start', inBody(0x80), 'error unsupported-encoding'],
    ['RFC 3629 §3: a start of two bytes without continuation', inBody(0xc3), 'error unsupported-encoding'],
    ['RFC 3629 §3: a start of three bytes with one continuation', inBody(0xe2, 0x82), 'error unsupported-encoding'],
    [
      'RFC 3629 §3: a start of four bytes with two continuations',
      inBody(0xf0, 0x9f, 0x98),
      'error unsupported-encoding',
    ],
    [
      'RFC 3629 §3: a character cut by a tag, across two writes',
      [bytes('<message><body>', [0xe2, 0x82]), '</body></message>'],
      'error unsupported-encoding',
    ],
    [
      'RFC 6120 §11.6: bad UTF-8 in an attribute',
      bytes("<message id='", [0xc0, 0x80], "'/>"),
      'error unsupported-encoding',
    ],
    [
      'RFC 6120 §11.6: bad UTF-8 in the name of an element',
      bytes('<mess', [0xff], 'age/>'),
      'error unsupported-encoding',
    ],
    [
      'RFC 6120 §11.6: bad UTF-8 in the name of an attribute',
      bytes('<message i', [0xed, 0xa0, 0x80], "='1'/>"),
      'error unsupported-encoding',
    ],
    ['RFC 6120 §11.6: bad UTF-8 in an end tag', bytes('<message></mess', [0xff], 'age>'), 'error unsupported-encoding'],
    [
      'RFC 6120 §11.6: bad UTF-8 in CDATA',
      bytes('<message><![CDATA[', [0xff], ']]></message>'),
      'error unsupported-encoding',
    ],
    [
      'RFC 6120 §11.6: bad UTF-8 in an address',
      bytes("<message to='romeo", [0xc1, 0x81], "@localhost'/>"),
      'error unsupported-encoding',
    ],
    ['RFC 6120 §11.3: NUL in text', inBody(0), 'error not-well-formed'],
    ['RFC 6120 §11.3: NUL in a tag', bytes('<mess', [0], 'age/>'), 'error not-well-formed'],
    ['RFC 6120 §11.3: NUL between stanzas', bytes([0]), 'error not-well-formed'],
    ['RFC 6120 §11.3: a control character in text', inBody(0x1b), 'error not-well-formed'],
    ['RFC 6120 §11.3: a form feed between attributes', bytes('<message', [0x0c], "id='1'/>"), 'error not-well-formed'],
    ['RFC 6120 §11.3: a backspace in an attribute', bytes("<message id='", [8], "'/>"), 'error not-well-formed'],
    ['RFC 6120 §11.3: U+FFFE in text', inBody(0xef, 0xbf, 0xbe), 'error not-well-formed'],
    [
      'RFC 6120 §11.3: U+FFFF in an attribute',
      bytes("<message id='", [0xef, 0xbf, 0xbf], "'/>"),
      'error not-well-formed',
    ],
    ['RFC 6120 §11.6: a byte order mark within the stream', bytes([0xef, 0xbb, 0xbf]), 'error bad-format'],
  ]),
]
