import { attacks } from '../attack.ts'
import { header } from '../peer.ts'

const get = (path: string, fields = '') =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields}\r\n`
const post = (fields: string, body = '') => `POST /health HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n${body}`

/** HTTP where HTTP is spoken, and XMPP where it is not, and the other way round. */
export const http = [
  ...attacks(
    'raw',
    [
      ['RFC 9112 §2.2: XMPP on the HTTP port', header, ['http 400', 'gone']],
      ['RFC 9112 §2.2: bytes of no protocol', Buffer.from([0, 1, 2, 3, 0xff, 13, 10, 13, 10]), ['http 400', 'gone']],
      ['RFC 9112 §3: a method that is none', 'FOO / HTTP/1.1\r\n\r\n', ['http 400', 'gone']],
      ['RFC 9112 §3: a request line of 20 KB', get(`/${'x'.repeat(20_000)}`), ['http 431', 'gone']],
      ['RFC 6585 §5: a header of 20 KB', get('/health', `X: ${'x'.repeat(20_000)}\r\n`), ['http 431', 'gone']],
      ['RFC 6585 §5: 4,000 header fields', get('/health', 'X: y\r\n'.repeat(4000)), ['http 431', 'gone']],
      ['RFC 9112 §2.3: HTTP/2 without agreement', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ['http 400', 'gone']],
      ['RFC 9112 §2.3: HTTP/9.9', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n', ['http 400', 'gone']],
      ['RFC 9112 §3.2: no host', 'GET /health HTTP/1.1\r\n\r\n', ['http 400', 'gone']],
      ['RFC 9112 §5.1: a space before the colon', get('/health', 'X : y\r\n'), ['http 400', 'gone']],
      [
        'RFC 9112 §5.2: a folded field',
        get('/health', 'X: y\r\n z\r\n').replace('X: y', ' folded'),
        ['http 400', 'gone'],
      ],
      ['RFC 9110 §5.5: NUL in a field', get('/health', 'X: a\0b\r\n'), ['http 400', 'gone']],
      [
        'RFC 9112 §6.1: two lengths that differ',
        post('Content-Length: 4\r\nContent-Length: 5\r\n', 'abcd'),
        ['http 400', 'gone'],
      ],
      [
        'RFC 9112 §6.1: a length and chunks (smuggling)',
        post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
        ['http 400', 'gone'],
      ],
      ['RFC 9112 §6.2: a negative length', post('Content-Length: -1\r\n'), ['http 400', 'gone']],
      [
        'RFC 9110 §15.5.14: a body of 1 GB is announced',
        post(`Content-Length: ${2 ** 30}\r\n`).replace('/health', '/bosh'),
        ['http 413', 'gone'],
      ],
      ['RFC 9110 §15.5.6: a body where none is taken', post(`Content-Length: 4\r\n`, 'abcd'), ['http 405', 'gone']],
      ['RFC 9110 §9.3.8: TRACE', get('/health').replace('GET', 'TRACE'), ['http 400', 'gone']],
      ['RFC 9110 §9.3.6: CONNECT', 'CONNECT example.org:80 HTTP/1.1\r\nHost: example.org\r\n\r\n', ['gone']],
      ['RFC 9112 §3.2.2: a request for another server', get('http://elsewhere.example/'), ['http 400', 'gone']],
      ['RFC 3986 §5.2.4: a path that climbs', get('/../../etc/passwd'), ['http 400', 'gone']],
      ['RFC 3986 §5.2.4: the same, encoded', get('/%2e%2e/%2e%2e/etc/passwd'), ['http 400', 'gone']],
      ['RFC 9110 §15.5.5: a path that is not served', get('/elsewhere'), ['http 404', 'gone']],
    ],
    { ways: ['http', 'https'] },
  ),
  ...attacks('raw', [
    ['RFC 6120 §4.9.3.13: HTTP on the XMPP port', get('/'), 'error not-well-formed', 'tcp'],
    ['RFC 6120 §4.9.3.13: HTTP on the port of direct TLS, within TLS', get('/'), 'error not-well-formed', 'tls'],
    [
      'RFC 6120 §4.9.3.13: TLS on the XMPP port',
      Buffer.from('160301020001000100', 'hex'),
      'error not-well-formed',
      'tcp',
    ],
    ['RFC 6120 §4.9.3.13: SSH on the XMPP port', 'SSH-2.0-OpenSSH_10.0\r\n', 'error not-well-formed', 'tcp'],
    ['RFC 6120 §4.9.3.13: SMTP on the XMPP port', 'EHLO example.org\r\n', 'error not-well-formed', 'tcp'],
  ]),
]
