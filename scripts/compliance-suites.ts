// XEP-0479: what it asks of servers, and the tests that show that it is so.

/** A test: its file, and its name as it stands there. */
export type Proof = readonly [file: string, name: string]

export type Need = 'yes' | 'no' | 'N/A'

export interface Row {
  readonly feature: string
  /** Whether a server needs it, and an advanced one. */
  readonly needed: readonly [server: Need, advanced: Need]
  /** Each specification with what shows it; where a server has no part in it, with nothing. */
  readonly specs: Readonly<Record<string, readonly Proof[]>>
}

const row = (feature: string, server: Need, advanced: Need, specs: Row['specs']): Row => ({
  feature,
  needed: [server, advanced],
  specs,
})
/** Of clients alone. */
const ofClients = (feature: string, ...specs: string[]): Row =>
  row(feature, 'N/A', 'N/A', Object.fromEntries(specs.map((spec) => [spec, []])))

const at = (folder: string, file: string, ...names: string[]): Proof[] =>
  names.map((name) => [`${folder}/${file}.test.ts`, name])
const server = (file: string, ...names: string[]) => at('packages/server/src', file, ...names)
const module = (file: string, ...names: string[]) => at('packages/server/src/modules', file, ...names)
const interop = (file: string, ...names: string[]) => at('interop', file, ...names)
/** What every library of clients there is lives through. */
const live = (...names: string[]): Proof[] => names.map((name) => ['interop/clients/life.ts', name])

const resumption = [
  ...server(
    'stream/management',
    'XEP-0198 §4: each handled stanza is counted, and errors answered are too',
    'XEP-0198 §5: after kill -9 the same stream goes on: nothing lost, nothing twice',
  ),
  ...live('XEP-0198 §5: resumes after kill -9 of the server; nothing lost, nothing twice, nobody sees anything'),
]

/** The columns for servers of §2.1 to §2.5. */
export const suites: readonly (readonly [category: string, rows: readonly Row[]])[] = [
  [
    'Core',
    [
      row('Core features', 'yes', 'yes', {
        'RFC 6120': [
          ...server(
            'stream/stream',
            'RFC 6120 §4.7.2: the header names the host, an id, the version and the language',
            'RFC 6120 §6.5: failures, their conditions and their number',
          ),
          ...interop('hostile/hostile', 'each bad stream gets its answer, and no other'),
          ...live('logs in over ${one.transport} and binds the resource it asks for'),
        ],
      }),
      row('TLS', 'yes', 'yes', {
        'RFC 7590': [
          ...server('transport/tls', 'RFC 7590 §3.1: TLS below 1.2 is refused'),
          ...interop('clients/slixmpp', 'STARTTLS, and @xmpp/client'),
        ],
      }),
      row('Direct TLS', 'no', 'yes', {
        'XEP-0368': [
          ...server(
            'transport/tls',
            'XEP-0368 §2: direct TLS takes the ALPN protocol xmpp-client, and clients without ALPN',
          ),
          ...interop('clients/slixmpp', 'direct TLS, and Stanza'),
        ],
      }),
      row('Feature discovery', 'yes', 'yes', {
        'XEP-0030': [
          ...module('disco', 'XEP-0030 §3.1: what is advertised is what the running modules declare, and nothing else'),
          ...live('the server answers ping, service discovery and version'),
        ],
      }),
      row('Feature broadcasts', 'no', 'yes', {
        'XEP-0115': [
          ...module('caps', 'XEP-0115 §6.3: what the stream features promise is what the server answers for node#ver'),
          ...interop('pubsub/slixmpp-pubsub', 'hears of an avatar'),
        ],
      }),
      row('Server extensibility', 'yes', 'yes', {
        'XEP-0114': [
          ...server('ports/component', 'XEP-0114 §3: header, handshake, stanzas in both directions'),
          ...interop(
            'components/biboumi',
            'XEP-0114 with biboumi (Debian: biboumi, ngircd): two users of slixmpp meet in a channel of an IRC server; after kill -9 it comes back',
          ),
        ],
      }),
      row('Event publishing', 'no', 'yes', {
        'XEP-0163': [
          ...module(
            'pubsub/pep',
            'XEP-0163 §4.3: contacts and own resources that are interested are told, at their full JIDs, from the account',
          ),
          ...interop('pubsub/slixmpp-pubsub', 'hears of an avatar'),
        ],
      }),
    ],
  ],
  [
    'Web',
    [
      row('Web connection mechanisms', 'yes', 'yes', {
        'RFC 7395': [
          ...server('transport/websocket', 'RFC 7395 §3.2: one message is one text, both ways'),
          ...interop(
            'browser/converse',
            'converse.js in Chromium, over %s: a room, its history after a reload, and a kill',
          ),
        ],
        'XEP-0206': [
          ...server(
            'transport/bosh/bosh',
            'XEP-0206 §5: SASL, restart, binding and stanzas; a message waits for nobody',
          ),
          ...interop(
            'browser/converse',
            'converse.js in Chromium, over %s: a room, its history after a reload, and a kill',
          ),
        ],
      }),
      row('Connection mechanism discovery', 'no', 'N/A', {
        'XEP-0156': [
          ...module('host-meta', 'XEP-0156 §2.3: host-meta names WebSocket and BOSH, as XRD and as JRD'),
          ...interop('browser/converse', 'XEP-0156 §2: converse.js in Chromium finds where to connect by the domain'),
        ],
      }),
    ],
  ],
  [
    'IM',
    [
      row('Core features', 'yes', 'yes', {
        'RFC 6121': [
          ...server('router/delivery', 'RFC 6121 %s: %s to %s with %j → %s'),
          ...module(
            'subscriptions/subscriptions',
            'RFC 6121 §3.1: a request is pushed to its sender, delivered, approved, and then presence comes',
          ),
          ...live('subscribes and is subscribed to; both see the other’s presence'),
        ],
      }),
      ofClients('The /me command', 'XEP-0245'),
      row('User avatars', 'N/A', 'N/A', {
        'XEP-0084': interop('pubsub/slixmpp-pubsub', 'reads the avatar'),
      }),
      row('User avatar compatibility', 'no', 'yes', {
        'XEP-0398': [
          ...module(
            'avatars',
            'XEP-0398 §3.1: an avatar that is published is in the vCard beside what was there, and in the presence',
            'XEP-0398 §3.2: the avatar of a vCard is published: first the data, then what it is',
          ),
        ],
        'XEP-0153': [
          ...module('vcard', 'XEP-0153 §3.1, XEP-0398 §4: who sees the presence is told of another avatar by its hash'),
          ...interop(
            'clients/slixmpp-people',
            'XEP-0153 §3, XEP-0398 §3.2: an avatar in the vCard, its hash in the presence, the same at its node',
          ),
        ],
      }),
      row('vcard-temp', 'yes', 'yes', {
        'XEP-0054': [
          ...module(
            'vcard',
            'XEP-0054 §3.1–3.3: a vCard is kept as it is, for its owner and for others, also after a restart',
          ),
          ...interop('clients/slixmpp-people', 'XEP-0054 §3: publish and retrieve'),
        ],
      }),
      row('Outbound message synchronization', 'yes', 'yes', {
        'XEP-0280': [
          ...module(
            'carbons',
            'XEP-0280 §8: copies of what is sent go to the others, whether or not the sender wants copies itself',
          ),
          ...live('XEP-0280: a second device hears what is said to and by the first'),
        ],
      }),
      row('User blocking', 'no', 'yes', {
        'XEP-0191': [
          ...module(
            'blocking/blocking',
            'XEP-0191 §3.2–3.5: the list is what was blocked and not unblocked, also after a restart',
          ),
          ...interop(
            'clients/slixmpp-people',
            'XEP-0191 §3: block, the pushes, the errors of both directions, unblock',
          ),
        ],
      }),
      row('Group chat', 'yes', 'yes', {
        'XEP-0045': [
          ...module(
            'muc/entry',
            'XEP-0045 §7.1, §7.2.2: who enters is told of the others, of itself, of what was said, of the subject, in that order',
          ),
          ...interop('rooms/slixmpp-rooms', 'slixmpp (Debian: python3-slixmpp): the life of a room'),
        ],
        'XEP-0249': [
          ...module('message-contents', 'XEP-0249 §2: an invitation'),
          ...interop('rooms/slixmpp-rooms', 'is invited directly'),
        ],
      }),
      row('Advanced group chat', 'no', 'yes', {
        'XEP-0048': module('bookmarks', 'XEP-0048 §2.2: web pages stay where they were put'),
        'XEP-0313': [
          ...module(
            'muc/archives',
            "XEP-0313 §3.2: what is older than its host keeps it goes from a room's archive, and is not told to who enters",
          ),
          ...interop('rooms/slixmpp-rooms', 'slixmpp (Debian: python3-slixmpp): the life of a room'),
        ],
        'XEP-0402': [
          ...module(
            'bookmarks',
            'XEP-0402 §7.2.1: a bookmark is found by older clients in private storage and in their node',
          ),
          ...interop('pubsub/slixmpp-pubsub', 'keeps bookmarks in its node, and they are found as XEP-0402 has them'),
        ],
        'XEP-0410': module(
          'muc/messages',
          'XEP-0045 §17.4.3, XEP-0410 §3.3: requests pass between occupants, who do not learn who the other is; who asks itself is answered',
        ),
      }),
      row('Persistent storage of private data via PubSub', 'no', 'yes', {
        'XEP-0223': [
          ...module('pubsub/pep', 'XEP-0223 §3: nobody else reads a private node, nor hears of it, nor finds it'),
          ...interop('pubsub/slixmpp-pubsub', 'keeps bookmarks in its node, and they are found as XEP-0402 has them'),
        ],
      }),
      row('Private XML storage', 'no', 'yes', {
        'XEP-0049': [
          ...module('private', 'XEP-0049 §2.3: what one resource stores another gets back, also after a restart'),
          ...interop('clients/slixmpp-people', 'XEP-0049 §2.3: bookmarks are kept'),
        ],
      }),
      row('Stream management', 'no', 'yes', { 'XEP-0198': resumption }),
      ofClients('Message acknowledgements', 'XEP-0184'),
      row('History storage and retrieval', 'no', 'yes', {
        'XEP-0313': [
          ...module('mam', 'XEP-0313 §4: results in order, then the end, all from the archive'),
          ...live('XEP-0313: the archive has every message once, in order, page by page'),
        ],
      }),
      ofClients('Chat states', 'XEP-0085'),
      ofClients('Message correction', 'XEP-0308'),
      row('File upload', 'yes', 'yes', {
        'XEP-0363': [
          ...module(
            'upload/upload',
            'XEP-0363 §4, §7: a slot is given, the file put, and found by whoever has the URL, also after a restart',
          ),
          ...interop(
            'upload/slixmpp-upload',
            'XEP-0363 §4, §7: a file is put over HTTPS, and found with its name and type',
          ),
        ],
      }),
      ofClients('Direct file transfer', 'XEP-0234', 'XEP-0261'),
    ],
  ],
  [
    'Mobile',
    [
      row('Stream management', 'yes', 'yes', { 'XEP-0198': resumption }),
      row('Client state indication', 'yes', 'yes', {
        'XEP-0352': [
          ...module(
            'csi',
            'XEP-0352 §3.2: presence and messages that tell the user nothing wait until the client is active, in order',
          ),
          ...interop(
            'clients/slixmpp-people',
            'XEP-0352 §3.2: an inactive client is not disturbed, and then given what it missed, in order',
          ),
        ],
      }),
      row('Third party push notifications', 'no', 'yes', {
        'XEP-0357': [
          ...module(
            'push/push',
            'XEP-0357 §4, §6: while the account is offline its services are told, with the publish-options',
          ),
          ...interop(
            'clients/slixmpp-push',
            'XEP-0357 §4, §6: it registers, enables and goes; what comes is pushed, after kill -9 too',
          ),
        ],
      }),
    ],
  ],
  [
    'A/V calling',
    [
      ofClients('Call setup', 'XEP-0167', 'XEP-0353'),
      ofClients('Transport', 'XEP-0176'),
      ofClients('Encryption', 'XEP-0320'),
      row('STUN/TURN server discovery', 'yes', 'yes', {
        'XEP-0215': [
          ...module(
            'external-services',
            'XEP-0215 §3.1: all services, with credentials that a TURN server makes itself out of the secret',
          ),
          ...interop('calls/coturn', 'XEP-0215 §3.1: the credentials of %s over %s are accepted, and packets relayed'),
        ],
      }),
      ofClients('Quality and performance improvements', 'XEP-0293', 'XEP-0294', 'XEP-0338', 'XEP-0339'),
    ],
  ],
]

/** Named there and required of nobody: beside the tables of §2.3 and §2.4, and in §3. */
export const ofNote: readonly (readonly [spec: string, what: string])[] = [
  ['XEP-0077', 'off unless a host switches it on, as is asked for'],
  ['XEP-0157', ''],
  ['XEP-0066', 'of clients alone'],
  ['XEP-0385', 'of clients alone'],
  ['XEP-0392', 'of clients alone'],
  ['XEP-0393', 'of clients alone'],
  ['XEP-0433', ''],
  ['XEP-0424', ''],
  ['XEP-0425', ''],
  ['XEP-0286', 'advice, which XEP-0198, XEP-0352 and XEP-0386 carry out'],
  ['XEP-0386', ''],
  ['XEP-0409', 'not here: messages are routed as RFC 6121 and XEP-0280 say'],
  ['XEP-0397', 'not here: XEP-0388 resumes within the login, XEP-0484 has the tokens'],
  ['XEP-0401', ''],
  ['XEP-0379', ''],
  ['XEP-0445', ''],
  ['XEP-0333', 'of clients alone'],
  ['XEP-0369', 'not here'],
  ['XEP-0380', 'of clients alone; what is encrypted is kept, copied and pushed as what it stands for'],
  ['XEP-0420', 'of clients alone'],
  ['XEP-0384', 'of clients alone'],
  ['XEP-0396', 'of clients alone'],
  ['XEP-0374', 'of clients alone'],
  ['XEP-0402', ''],
  ['XEP-0225', 'not here'],
  ['XEP-0390', ''],
  ['XEP-0455', 'not here'],
]
