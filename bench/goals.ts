import type { Results } from './results.ts'

/** One row of the table. */
export interface Row {
  readonly title: string
  readonly work: string
  readonly figure: string
  readonly unit: string
  /** What is aimed at: the figure is not to be above any of these limits. */
  readonly goals: readonly Goal[]
}

export interface Goal {
  readonly words: string
  /** Undefined where what it is compared with has not been measured. */
  limit(row: Row, results: Results): number | undefined
}

const bestPeer = (part: number, words: string): Goal => ({
  words: `${words} of the better peer`,
  limit: (row, results) => times(part, results.best(row)),
})
const ejabberds = (part: number, words: string): Goal => ({
  words: `${words} of ejabberd`,
  limit: ({ work, figure }, results) => times(part, results.median(work, figure, 'ejabberd')),
})
const below: Goal = { words: 'below the better peer', limit: (row, results) => results.best(row) }
const relayed = (factor: number): Goal => ({
  words: `≤ ${factor} × a bare relay`,
  limit: ({ work, figure }, results) => times(factor, results.median(work, figure, 'relay')),
})
const atMost = (limit: number, unit: string): Goal => ({ words: `< ${limit} ${unit}`, limit: () => limit })
const as = (work: string, figure: string, factor: number, words: string, server = 'jackdaw'): Goal => ({
  words,
  limit: (_, results) => times(factor, results.median(work, figure, server)),
})

export const rows: readonly Row[] = [
  measured('chat, plaintext: CPU per message', 'chat-plain', 'cpu', 'µs', bestPeer(1 / 4, '≤ ¼'), relayed(2)),
  measured('chat, TLS: CPU per message', 'chat-tls', 'cpu', 'µs', bestPeer(1 / 4, '≤ ¼')),
  measured(
    'chat with archive, carbons, acknowledgements, plaintext: CPU per message',
    'chat-full-plain',
    'cpu',
    'µs',
    bestPeer(1 / 10, '≤ 1/10'),
  ),
  measured(
    'chat with archive, carbons, acknowledgements, TLS: CPU per message',
    'chat-full-tls',
    'cpu',
    'µs',
    bestPeer(1 / 10, '≤ 1/10'),
  ),
  measured('1,000 messages/s, no archive: p50', 'rate-plain', 'p50', 'ms'),
  measured('1,000 messages/s, no archive: p99', 'rate-plain', 'p99', 'ms', below),
  measured('1,000 messages/s, archive and all: p50', 'rate-full', 'p50', 'ms'),
  measured('1,000 messages/s, archive and all: p99', 'rate-full', 'p99', 'ms', below),
  measured('presence broadcast: CPU per copy', 'presence', 'cpu', 'µs', bestPeer(1 / 4, '≤ ¼')),
  measured('ping to the server: CPU', 'ping', 'cpu', 'µs', bestPeer(1 / 4, '≤ ¼')),
  measured('archive, page of 50: CPU', 'pages', 'cpu', 'µs'),
  measured('room of 200, no archive: CPU per copy', 'room-small', 'cpu', 'µs', ejabberds(1 / 4, '≤ ¼')),
  measured('room of 1,000, no archive: CPU per copy', 'room-large', 'cpu', 'µs', ejabberds(1 / 4, '≤ ¼')),
  measured(
    'room of 200, archive and acknowledgements: CPU per copy',
    'room-full-small',
    'cpu',
    'µs',
    ejabberds(1 / 4, '≤ ¼'),
  ),
  measured(
    'room of 1,000, archive and acknowledgements: CPU per copy',
    'room-full-large',
    'cpu',
    'µs',
    ejabberds(1 / 4, '≤ ¼'),
  ),
  measured('1,000 enter a room: CPU for each', 'room-large', 'join', 'ms'),
  measured('notification of a personal node: CPU per copy', 'pep', 'cpu', 'µs'),
  measured('login, plaintext: CPU', 'login-plain', 'cpu', 'ms', bestPeer(1 / 3, '≤ ⅓')),
  measured('login, TLS: CPU', 'login-tls', 'cpu', 'ms', bestPeer(1 / 3, '≤ ⅓')),
  measured('idle session, plaintext, of 5,000', 'idle-plain', 'some', 'kB', bestPeer(1 / 3, '≤ ⅓')),
  measured('idle session, plaintext, of 15,000', 'idle-plain', 'more', 'kB', bestPeer(1 / 3, '≤ ⅓')),
  measured('idle session, TLS, of 5,000', 'idle-tls', 'some', 'kB', below),
  measured('idle session, TLS, of 15,000', 'idle-tls', 'more', 'kB', below),
  measured('5,000 sessions after `kill -9`: first message', 'storm', 'first', 'ms', atMost(1000, 'ms')),
  measured(
    '5,000 sessions after `kill -9`: all resumed',
    'storm',
    'all',
    'ms',
    as('handshakes', 'time', 1.3, '≤ 1.3 × the handshakes alone', 'relay'),
  ),
  measured('5,000 TLS handshakes alone', 'handshakes', 'time', 'ms'),
  measured('a TLS handshake alone: CPU', 'handshakes', 'cpu', 'ms'),
  measured('growth: CPU per message, 100 sessions', 'growth-sessions', 'few', 'µs'),
  measured(
    'growth: 1,000 sessions',
    'growth-sessions',
    'some',
    'µs',
    as('growth-sessions', 'few', 1.15, '≤ 1.15 × with 100'),
  ),
  measured(
    'growth: 10,000 sessions',
    'growth-sessions',
    'many',
    'µs',
    as('growth-sessions', 'few', 1.15, '≤ 1.15 × with 100'),
  ),
  measured('growth: CPU per message, 10³ accounts', 'growth-accounts-few', 'cpu', 'µs'),
  measured(
    'growth: 10⁶ accounts',
    'growth-accounts-many',
    'cpu',
    'µs',
    as('growth-accounts-few', 'cpu', 1.15, '≤ 1.15 × with 10³'),
  ),
  measured('growth: CPU per message kept, 10⁵ messages in the archive', 'growth-messages-few', 'cpu', 'µs'),
  measured(
    'growth: 10⁷ messages in the archive',
    'growth-messages-many',
    'cpu',
    'µs',
    as('growth-messages-few', 'cpu', 1.15, '≤ 1.15 × with 10⁵'),
  ),
  measured('archive: last 50 with a contact: CPU, 10⁵ messages', 'archive-few', 'contact', 'µs'),
  measured('the same: 10⁷ messages', 'archive-many', 'contact', 'µs'),
  measured('archive: 50 from a day on: CPU, 10⁵ messages', 'archive-few', 'date', 'µs'),
  measured('the same: 10⁷ messages', 'archive-many', 'date', 'µs'),
  measured('archive: last 50 with a word: CPU, 10⁵ messages', 'archive-few', 'text', 'µs'),
  measured('the same: 10⁷ messages', 'archive-many', 'text', 'µs'),
  measured('archive: inbox of 40 conversations: CPU, 10⁵ messages', 'archive-few', 'inbox', 'µs'),
  measured('the same: 10⁷ messages', 'archive-many', 'inbox', 'µs'),
  measured('start with 10⁶ accounts, 10⁷ messages', 'start', 'time', 'ms', atMost(1000, 'ms')),
  measured('memory after that start', 'start', 'memory', 'MB', atMost(120, 'MB')),
]

function measured(title: string, work: string, figure: string, unit: string, ...goals: Goal[]): Row {
  return { title, work, figure, unit, goals }
}

function times(factor: number, value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * factor
}
