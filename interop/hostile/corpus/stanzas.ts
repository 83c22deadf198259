import { attacks } from '../attack.ts'

const ping = "<ping xmlns='urn:xmpp:ping'/>"
const roster = (content: string) => `<iq type='set' id='1'><query xmlns='jabber:iq:roster'>${content}</query></iq>`
const to = (address: string) => `<message id='1' to='${address}'><body>hi</body></message>`
const malformed = 'message error modify jid-malformed #1'
const presence = (content: string) => `<presence id='1'>${content}</presence>`

/** Well-formed stanzas that are wrong. Errors are the stanza's own: the stream goes on. */
export const stanzas = attacks('bound', [
  ['RFC 6120 §8.3.3.8: an empty address', to(''), malformed],
  ['RFC 6120 §8.3.3.8: an address with two @', to('a@b@c'), malformed],
  ['RFC 6120 §8.3.3.8: an address without a domain', to('romeo@'), malformed],
  ['RFC 6120 §8.3.3.8: an address without a local part', to('@localhost'), malformed],
  ['RFC 6120 §8.3.3.8: an address with an empty resource', to('romeo@localhost/'), malformed],
  ['RFC 7622 §3.3: a space in the local part', to('ro meo@localhost'), malformed],
  ['RFC 7622 §3.3.1: a quotation mark in the local part', to('ro&quot;meo@localhost'), malformed],
  ['RFC 7622 §3.3: a local part of 1,024 bytes', to(`${'r'.repeat(1024)}@localhost`), malformed],
  ['RFC 7622 §3.2: a domain of 1,024 bytes', to(`${'d.'.repeat(511)}de`), malformed],
  ['RFC 7622 §3.4: a resource of 1,024 bytes', to(`romeo@localhost/${'r'.repeat(1024)}`), malformed],
  ['RFC 7622 §3.4: a resource with a control character', to('romeo@localhost/&#9;'), malformed],
  ['RFC 7622 §3.2: a domain that is no IPv6 address', to('romeo@[::g]'), malformed],
  ['RFC 7622 §3.3: a local part that mixes directions', to('a\u05d0b@localhost'), malformed],
  [
    'RFC 6120 §8.3.3.8: an iq to a malformed address',
    `<iq type='get' id='1' to='@'>${ping}</iq>`,
    'iq error modify jid-malformed #1',
  ],
  [
    'RFC 6120 §8.3.3.8: presence to a malformed address',
    "<presence id='1' to='@'/>",
    'presence error modify jid-malformed #1',
  ],
  ['RFC 6120 §8.3.1: an error to a malformed address is not answered', "<message id='1' type='error' to='@'/>", ''],
  ['RFC 6120 §8.3.1: a result to a malformed address is not answered', "<iq id='1' type='result' to='@'/>", ''],
  [
    'RFC 6120 §8.3.3.16: a server that is not reached',
    to('romeo@elsewhere.example'),
    'message error cancel remote-server-not-found #1',
  ],
  [
    'RFC 6121 §8.5.1: an account that does not exist',
    to('nobody@localhost'),
    'message error cancel service-unavailable #1',
  ],
  [
    'RFC 6120 §4.9.3.9: a message from somebody else',
    "<message from='romeo@localhost' to='juliet@localhost'/>",
    'error invalid-from',
  ],
  [
    'RFC 6120 §4.9.3.9: a message from another resource',
    "<message from='{account}/other' to='juliet@localhost'/>",
    'error invalid-from',
  ],
  [
    'RFC 6120 §4.9.3.9: a message from the server',
    "<message from='localhost' to='juliet@localhost'/>",
    'error invalid-from',
  ],
  [
    'RFC 6120 §4.9.3.9: an iq from another server',
    `<iq type='get' id='1' from='elsewhere.example'>${ping}</iq>`,
    'error invalid-from',
  ],
  ['RFC 6120 §4.9.3.9: presence from somebody else', "<presence from='romeo@localhost'/>", 'error invalid-from'],
  [
    'RFC 6120 §4.9.3.9: a result from somebody else',
    "<iq type='result' id='1' from='localhost' to='juliet@localhost'/>",
    'error invalid-from',
  ],
  [
    'RFC 6120 §4.9.3.9: a message from nobody',
    "<message id='1' from='@' to='juliet@localhost'/>",
    'error invalid-from',
  ],

  ['RFC 6120 §8.1.3: an iq without an id', `<iq type='get'>${ping}</iq>`, 'iq error modify bad-request'],
  ['RFC 6120 §8.2.3: an iq without a type', `<iq id='1'>${ping}</iq>`, 'iq error modify bad-request #1'],
  ['RFC 6120 §8.2.3: an iq of an unknown type', `<iq id='1' type='put'>${ping}</iq>`, 'iq error modify bad-request #1'],
  ['RFC 6120 §8.2.3: a get of nothing', "<iq id='1' type='get'/>", 'iq error modify bad-request #1'],
  ['RFC 6120 §8.2.3: a get of text', "<iq id='1' type='get'>ping</iq>", 'iq error modify bad-request #1'],
  ['RFC 6120 §8.2.3: a get of two', `<iq id='1' type='get'>${ping}${ping}</iq>`, 'iq error modify bad-request #1'],
  ['RFC 6120 §8.2.3: a set of nothing', "<iq id='1' type='set'/>", 'iq error modify bad-request #1'],
  [
    'RFC 6120 §8.2.3: a set of a hundred',
    `<iq id='1' type='set'>${ping.repeat(100)}</iq>`,
    'iq error modify bad-request #1',
  ],
  ['RFC 6120 §8.3.1: a result of two is not answered', `<iq id='1' type='result'>${ping}${ping}</iq>`, ''],
  ['RFC 6120 §8.3.1: an error without an error is not answered', "<iq id='1' type='error'/>", ''],
  [
    'RFC 6120 §8.4: a payload that nobody knows',
    "<iq id='1' type='get'><x xmlns='urn:x'/></iq>",
    'iq error cancel service-unavailable #1',
  ],
  [
    'RFC 6120 §8.4: a payload without namespace',
    "<iq id='1' type='get'><x xmlns=''/></iq>",
    'iq error cancel service-unavailable #1',
  ],
  [
    'RFC 6121 §8.5.1: a query to an account that does not exist',
    `<iq id='1' type='get' to='nobody@localhost'>${ping}</iq>`,
    'iq error cancel service-unavailable #1',
  ],
  [
    'RFC 6121 §8.5.1: a query to an account that exists',
    `<iq id='1' type='get' to='romeo@localhost'>${ping}</iq>`,
    'iq error cancel service-unavailable #1',
  ],
  [
    'RFC 6121 §8.5.3.2.3: a query to a resource that is away',
    `<iq id='1' type='get' to='romeo@localhost/nowhere'>${ping}</iq>`,
    'iq error cancel service-unavailable #1',
  ],
  [
    'RFC 6120 §8.2.3: 2,000 results that nobody asked for',
    "<iq type='result' id='1' to='localhost'/>".repeat(500) + "<iq type='result' id='jackdaw-1'/>".repeat(400),
    '',
  ],
  ['RFC 6120 §8.2.3: errors that nobody asked for', "<iq type='error' id='jackdaw-1' to='localhost'/>".repeat(500), ''],

  [
    'RFC 6121 §4.7.1: presence of an unknown type',
    "<presence id='1' type='away'/>",
    'presence error modify bad-request #1',
  ],
  [
    'RFC 6121 §4.7.1: a probe without an address',
    "<presence id='1' type='probe'/>",
    'presence error modify bad-request #1',
  ],
  [
    'RFC 6121 §3.1.1: a request without an address',
    "<presence id='1' type='subscribe'/>",
    'presence error modify bad-request #1',
  ],
  ['RFC 6121 §4.7.1: presence of type error to nobody', "<presence id='1' type='error'/>", ''],
  ['RFC 6121 §4.7.2.3: priority 128', presence('<priority>128</priority>'), 'presence error modify bad-request #1'],
  ['RFC 6121 §4.7.2.3: priority -129', presence('<priority>-129</priority>'), 'presence error modify bad-request #1'],
  [
    'RFC 6121 §4.7.2.3: a priority that is no number',
    presence('<priority>high</priority>'),
    'presence error modify bad-request #1',
  ],
  ['RFC 6121 §4.7.2.3: an empty priority', presence('<priority/>'), 'presence error modify bad-request #1'],
  [
    'RFC 6121 §4.7.2.3: a priority of a thousand digits',
    presence(`<priority>${'1'.repeat(1000)}</priority>`),
    'presence error modify bad-request #1',
  ],
  [
    'RFC 6121 §4.7.2.3: a priority that is no whole number',
    presence('<priority>1.5</priority>'),
    'presence error modify bad-request #1',
  ],

  ['RFC 6121 §2.3.3: a roster item without an address', roster('<item/>'), 'iq error modify bad-request #1'],
  [
    'RFC 6121 §2.3.3: a roster item with a malformed address',
    roster("<item jid='@'/>"),
    'iq error modify jid-malformed #1',
  ],
  ['RFC 6121 §2.3.3: two roster items', roster("<item jid='a@b'/><item jid='c@d'/>"), 'iq error modify bad-request #1'],
  ['RFC 6121 §2.3.3: no roster item', roster(''), 'iq error modify bad-request #1'],
  [
    'RFC 6121 §2.3.3: a group twice',
    roster("<item jid='a@b'><group>x</group><group>x</group></item>"),
    'iq error modify bad-request #1',
  ],
  ['RFC 6121 §2.3.3: an empty group', roster("<item jid='a@b'><group/></item>"), 'iq error modify not-acceptable #1'],
  [
    'RFC 6121 §2.3.3: a handle of 10,000 letters',
    roster(`<item jid='a@b' name='${'n'.repeat(10_000)}'/>`),
    'iq error modify not-acceptable #1',
  ],
  [
    'RFC 6121 §2.3.3: 1,000 groups',
    roster(`<item jid='a@b'>${Array.from({ length: 1000 }, (_, at) => `<group>${at}</group>`).join('')}</item>`),
    'iq error modify not-acceptable #1',
  ],
  [
    "RFC 6121 §2.3.3: somebody else's roster is set",
    roster("<item jid='a@b'/>").replace("'set'", "'set' to='romeo@localhost'"),
    'iq error auth forbidden #1',
  ],
  [
    "RFC 6121 §2.2: somebody else's roster is read",
    "<iq id='1' type='get' to='romeo@localhost'><query xmlns='jabber:iq:roster'/></iq>",
    'iq error cancel service-unavailable #1',
  ],
  [
    'RFC 6121 §2.5.3: an item that is not there is removed',
    roster("<item jid='a@b' subscription='remove'/>"),
    'iq error cancel item-not-found #1',
  ],
  [
    'XEP-0313 §4: an archive query with a form that is none',
    "<iq id='1' type='set'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='start'><value>yesterday</value></field></x></query></iq>",
    'iq error modify bad-request #1',
  ],
  [
    "XEP-0313 §6: somebody else's archive",
    "<iq id='1' type='set' to='romeo@localhost'><query xmlns='urn:xmpp:mam:2'/></iq>",
    'iq error auth forbidden #1',
  ],
  [
    'XEP-0077: registration where it is not open',
    "<iq id='1' type='set' to='localhost'><query xmlns='jabber:iq:register'><username>a</username><password>b</password></query></iq>",
    'iq error cancel service-unavailable #1',
  ],
])
