/** What would be answered, with 204, if it were taken for a request of its own. */
export const smuggled = 'OPTIONS /bosh HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Ends the connection. */
export const last = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** Each kind of path that is served, and one that is not. */
export const paths = [
  '/health',
  '/metrics',
  '/xmpp',
  '/bosh',
  '/.well-known/host-meta',
  '/.well-known/host-meta.json',
  '/invite/abc',
  `/upload/localhost/${'a'.repeat(40)}/x`,
  '/push/messages',
  '/api/v1/accounts',
  '/api/v1/events',
  '/nowhere',
] as const

/** A request for a path. */
export type Shape = (path: string) => string

const chunked = 'Transfer-Encoding: chunked\r\n'
const four = 'Content-Length: 4\r\n'
const end = `0\r\n\r\n${smuggled}`
const post =
  (fields: string, body: string): Shape =>
  (path) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n${body}`
const get =
  (fields: string): Shape =>
  (path) =>
    `GET ${path} HTTP/1.1\r\n${fields}\r\n${smuggled}`
const line =
  (text: string): Shape =>
  (path) =>
    `${text.replace('PATH', path)}\r\nHost: localhost\r\n\r\n${smuggled}`
const upgrade =
  'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n'

/** Where a request ends, or what it is for, can be understood in two ways: refused with 400, and nothing more is read. */
export const refused: Readonly<Record<string, Shape>> = {
  'RFC 9112 §6.1: length and chunks, the length is longer': post(
    `Content-Length: ${5 + smuggled.length}\r\n${chunked}`,
    end,
  ),
  'RFC 9112 §6.1: chunks and length, the length is shorter': post(
    `${chunked}${four}`,
    `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  ),
  'RFC 9112 §6.1: the coding is identity': post('Transfer-Encoding: identity\r\n', smuggled),
  'RFC 9112 §6.1: chunked is not the last coding': post('Transfer-Encoding: chunked, identity\r\n', end),
  'RFC 9112 §7: chunked twice': post('Transfer-Encoding: chunked, chunked\r\n', end),
  'RFC 9112 §7: chunked twice, in two fields': post(`${chunked}${chunked}`, end),
  'RFC 9112 §6.1: two codings in two fields': post(`${chunked}Transfer-Encoding: identity\r\n`, end),
  'RFC 9112 §6.1: a coding like chunked': post('Transfer-Encoding: xchunked\r\n', end),
  'RFC 9112 §6.1: a quoted coding': post('Transfer-Encoding: "chunked"\r\n', end),
  'RFC 9110 §5.5: a vertical tab before the coding': post('Transfer-Encoding: \x0bchunked\r\n', end),
  'RFC 9110 §5.5: a no-break space behind the coding': post('Transfer-Encoding: chunked\xa0\r\n', end),
  'RFC 9112 §6.1: an empty coding': post('Transfer-Encoding:\r\n', end),
  'RFC 9112 §5.1: a space before the colon': post('Transfer-Encoding : chunked\r\n', end),
  'RFC 9112 §5.2: a folded coding': post('Transfer-Encoding:\r\n chunked\r\n', end),
  'RFC 9112 §5.2: a folded length': post(`Content-Length:\r\n ${smuggled.length}\r\n`, smuggled),
  'RFC 9112 §6.1: chunks in HTTP/1.0': (path) =>
    `POST ${path} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n${chunked}\r\n${end}`,
  'RFC 9110 §8.6: the same length twice': post(`${four}${four}`, `abcd${smuggled}`),
  'RFC 9110 §8.6: a list of lengths': post('Content-Length: 4, 4\r\n', `abcd${smuggled}`),
  'RFC 9110 §8.6: a length with a sign': post('Content-Length: +4\r\n', `abcd${smuggled}`),
  'RFC 9110 §8.6: a length in hexadecimal digits': post('Content-Length: 0x4\r\n', `abcd${smuggled}`),
  'RFC 9110 §8.6: letters behind a length': post('Content-Length: 4a\r\n', `abcd${smuggled}`),
  'RFC 9110 §8.6: a space in a length': post('Content-Length: 4 4\r\n', `abcd${smuggled}`),
  'RFC 9110 §8.6: an empty length': post('Content-Length:\r\n', smuggled),
  'RFC 9110 §8.6: a length of more than 64 bits': post('Content-Length: 18446744073709551620\r\n', `abcd${smuggled}`),
  'RFC 9112 §7.1: a size with 0x': post(chunked, `0x0\r\n\r\n${smuggled}`),
  'RFC 9112 §7.1: a negative size': post(chunked, `-1\r\n\r\n${smuggled}`),
  'RFC 9112 §7.1: a space behind a size': post(chunked, `4 \r\nabcd\r\n${end}`),
  'RFC 9112 §7.1: a size of more than 64 bits': post(chunked, `10000000000000004\r\nabcd\r\n${end}`),
  'RFC 9112 §7.1: a size that ends with LF alone': post(chunked, `4\nabcd\r\n${end}`),
  'RFC 9112 §7.1.1: an extension that ends with LF alone': post(chunked, `4;\nabcd\r\n${end}`),
  'RFC 9112 §7.1.1: CR in an extension': post(chunked, `4;a\rb\r\nabcd\r\n${end}`),
  'RFC 9112 §7.1.1: an extension that opens a quotation': post(chunked, `4;a="\r\nabcd\r\n${end}`),
  'RFC 9112 §7.1.1: an extension of 20 KB': post(chunked, `4;${'a'.repeat(20_000)}\r\nabcd\r\n${end}`),
  'RFC 9110 §6.5.1: a length in a trailer': post(chunked, `0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`),
  'RFC 9112 §2.2: lines that end with LF alone': (path) =>
    `POST ${path} HTTP/1.1\nHost: localhost\nContent-Length: 4\n\nabcd${smuggled}`,
  'RFC 9112 §2.2: a header that ends with LF alone': (path) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${four}\nabcd${smuggled}`,
  'RFC 9112 §2.2: lines that end with CR alone': (path) =>
    `POST ${path} HTTP/1.1\rHost: localhost\rContent-Length: 4\r\rabcd${smuggled}`,
  'RFC 9110 §5.5: CR in a field': post(`X: a\r${chunked}`, end),
  'RFC 9110 §5.5: LF in a field': post(`X: a\n${chunked}`, end),
  'RFC 9112 §5: NUL in a name': post('X\0: a\r\n', smuggled),
  'RFC 9112 §5: no colon': post('Xyz\r\n', smuggled),
  'RFC 9112 §5: no name': post(': a\r\n', smuggled),
  'RFC 9112 §5: a name that is not ASCII': post('C\xf6ntent-Length: 4\r\n', smuggled),
  'RFC 9112 §2.2: a space before the first field': (path) =>
    `POST ${path} HTTP/1.1\r\n ${four}Host: localhost\r\n\r\n${smuggled}`,
  'RFC 9112 §3: tabs in the request line': line('GET\tPATH\tHTTP/1.1'),
  'RFC 9112 §3: a word too many in the request line': line('GET PATH x HTTP/1.1'),
  'RFC 9112 §3: a method in small letters': line('get PATH HTTP/1.1'),
  'RFC 9112 §3: no version (HTTP/0.9)': (path) => `GET ${path}\r\n\r\n${smuggled}`,
  'RFC 9112 §2.3: HTTP/1.10': line('GET PATH HTTP/1.10'),
  'RFC 9112 §3.2.2: the absolute form': line('GET http://localhostPATH HTTP/1.1'),
  'RFC 9112 §3.2.2: the absolute form, of another host': line('GET http://evil.examplePATH HTTP/1.1'),
  'RFC 9112 §3.2.3: the authority form': line('GET localhost:80 HTTP/1.1'),
  'RFC 9112 §3.2.4: the asterisk form': line('OPTIONS * HTTP/1.1'),
  'RFC 9112 §3.2: a fragment': line('GET PATH#/../x HTTP/1.1'),
  'RFC 3986 §5.2.4: dot segments': line('GET /x/..PATH HTTP/1.1'),
  'RFC 3986 §5.2.4: dot segments, encoded': line('GET /x/%2e%2EPATH HTTP/1.1'),
  'RFC 3986 §3.3: backslashes': line('GET /x\\..PATH HTTP/1.1'),
  'RFC 9112 §3.2: two hosts': get('Host: localhost\r\nHost: evil.example\r\n'),
  'RFC 9112 §3.2: the same host twice': get('Host: localhost\r\nHost: localhost\r\n'),
  'RFC 9112 §3.2: no host': get('X: y\r\n'),
  'RFC 9112 §3.2: an empty host': get('Host:\r\n'),
  'RFC 9110 §7.2: a path behind the host': get('Host: localhost/metrics?\r\n'),
  'RFC 9110 §7.2: a fragment behind the host': get('Host: localhost/metrics#\r\n'),
  'RFC 9110 §7.2: a user before the host': get('Host: a@localhost\r\n'),
  'RFC 9110 §7.2: backslashes behind the host': get('Host: localhost\\metrics\\\r\n'),
  'RFC 9110 §7.2: a space in the host': get('Host: local host\r\n'),
  'RFC 9110 §7.2: a port that is none': get('Host: localhost:99999\r\n'),
  'RFC 6455 §4.1: an upgrade with a body': get(`${upgrade}Content-Length: ${smuggled.length}\r\n`),
  'RFC 6455 §4.1: an upgrade with chunks': get(`${upgrade}${chunked}`),
  'RFC 6455 §4.1: an upgrade with a path behind the host': get(upgrade.replace('localhost', 'localhost/x?')),
}

/** One request that ends in one place, and a second behind it: both are answered. */
export const apart: Readonly<Record<string, Shape>> = {
  'RFC 9112 §9.3.2: pipelining, after a body that nobody reads': post(four, `abcd${smuggled}`),
  'RFC 9112 §7.1.1: extensions of chunks': post(chunked, `4;a=b;c="d"\r\nabcd\r\n0;x\r\n\r\n${smuggled}`),
  'RFC 9110 §6.5: a trailer': post(chunked, `0\r\nHost: evil.example\r\n\r\n${smuggled}`),
  'RFC 9110 §9.3.1: GET with chunks': (path) =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${chunked}\r\n4\r\nabcd\r\n${end}`,
  'RFC 9110 §9.3.1: GET with a body that looks like a request': (path) =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}${smuggled}`,
  'RFC 9112 §2.2: empty lines before the request': (path) =>
    `\r\n\r\nGET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`,
}
