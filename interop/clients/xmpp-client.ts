import { client, xml, type XmlElement } from '@xmpp/client'
import { obey, options, tell } from './lines.ts'

// @xmpp/client as a program: see peer.ts.
const [account, resource] = options.jid.split('/') as [string, string | undefined]
const [username, domain] = account.split('@') as [string, string]
const services = {
  starttls: `xmpp://127.0.0.1:${options.port}`,
  tls: `xmpps://127.0.0.1:${options.port}`,
  websocket: `wss://127.0.0.1:${options.port}/xmpp`,
}
const service = services[options.transport as keyof typeof services]
const xmpp = client({ service, domain, username, password: options.password, resource })
xmpp.reconnect.delay = 200

// By XEP-0386 a client gets no resource of its own choice and reads the archive in place of what waited.
if (!options.sasl2)
  xmpp.prependListener('element', (element) => {
    if (element.is('features')) element.children = element.children.filter(({ name }) => name !== 'authentication')
  })

xmpp.on('error', (error) => console.error(error))
xmpp.on('send', (element) => {
  const { mechanism } = element.attrs
  if (mechanism !== undefined && element.is('authenticate')) tell({ is: 'authenticating', mechanism })
})
xmpp.on('disconnect', () => tell({ is: 'offline' }))
// It counts no answers to its own requests, nor requests that it answers (0.14.0), and would have the server repeat what has come already.
let count = 0
xmpp.on('stanza', () => (xmpp.streamManagement.inbound = ++count))
// It calls itself online before it has stream management.
xmpp.on('nonza', (element) => {
  const bound = element.is('success', 'urn:xmpp:sasl:2') ? element.getChild('bound', 'urn:xmpp:bind:0') : undefined
  if (!element.is('enabled', 'urn:xmpp:sm:3') && !bound?.getChild('enabled', 'urn:xmpp:sm:3')) return
  count = 0
  setImmediate(() => tell({ is: 'online', jid: String(xmpp.jid) }))
})
xmpp.streamManagement.on('resumed', () => tell({ is: 'resumed' }))
xmpp.streamManagement.on('ack', (stanza) => {
  const body = stanza.is('message') && stanza.getChildText('body')
  if (body) tell({ is: 'acked', body })
})
xmpp.on('stanza', (stanza) => {
  const from = stanza.attrs['from'] ?? ''
  if (stanza.is('presence'))
    tell({ is: 'presence', from, type: stanza.attrs['type'] ?? '', status: stanza.getChildText('status') ?? '' })
  if (!stanza.is('message')) return
  for (const direction of ['sent', 'received'] as const) {
    const copied = stanza.getChild(direction, 'urn:xmpp:carbons:2')?.getChild('forwarded')?.getChild('message')
    if (!copied) continue
    tell({
      is: 'copy',
      direction,
      from: copied.attrs['from']!,
      to: copied.attrs['to']!,
      body: copied.getChildText('body')!,
    })
  }
  const body = stanza.getChildText('body')
  if (body !== null)
    tell({ is: 'message', from, body, delayed: stanza.getChild('delay', 'urn:xmpp:delay') !== undefined })
})
xmpp.iqCallee.set('jabber:iq:roster', 'query', ({ element }) => {
  for (const { attrs } of element.getChildren('item'))
    tell({ is: 'push', jid: attrs['jid']!, subscription: attrs['subscription'] ?? 'none' })
  return {}
})

const ask = (name: string, xmlns: string, to?: string): Promise<XmlElement | undefined> =>
  xmpp.iqCaller.get(xml(name, { xmlns }), to)

const mam = 'urn:xmpp:mam:2'
const rsm = 'http://jabber.org/protocol/rsm'
let found: (string | null | undefined)[] = []
xmpp.on('stanza', (stanza) => {
  const result = stanza.getChild('result', mam)
  if (result) found.push(result.getChild('forwarded')?.getChild('message')?.getChildText('body'))
})

/** All bodies, page by page; the library has no words for it. */
async function searchArchive(): Promise<unknown> {
  found = []
  for (let after: string | null = null; ;) {
    const from = after === null ? undefined : xml('after', {}, after)
    const query = xml('query', { xmlns: mam }, xml('set', { xmlns: rsm }, xml('max', {}, '7'), from))
    const answer = await xmpp.iqCaller.request(xml('iq', { type: 'set' }, query))
    const fin = answer.getChild('fin', mam)!
    if (fin.attrs['complete'] === 'true') return found
    after = fin.getChild('set', rsm)!.getChildText('last')
  }
}

obey({
  connect: () => void xmpp.start().catch((error: unknown) => console.error(error)),
  close: () => void xmpp.stop().catch((error: unknown) => console.error(error)),
  presence: ({ status, ...attributes }) => {
    xmpp
      .send(xml('presence', attributes, status === undefined ? undefined : xml('status', {}, status)))
      .catch(console.error)
  },
  message: (to, body) => {
    xmpp.send(xml('message', { to, type: 'chat' }, xml('body', {}, body))).catch(() => tell({ is: 'unsent', body }))
  },
  answers: {
    roster: async () =>
      (await ask('query', 'jabber:iq:roster'))!
        .getChildren('item')
        .map(({ attrs }) => ({ jid: attrs['jid'], subscription: attrs['subscription'] })),
    ping: async () => {
      await ask('ping', 'urn:xmpp:ping', domain)
      return true
    },
    disco: async () =>
      (await ask('query', 'http://jabber.org/protocol/disco#info', domain))!
        .getChildren('feature')
        .map(({ attrs }) => attrs['var']),
    version: async () => {
      const answer = (await ask('query', 'jabber:iq:version', domain))!
      return { name: answer.getChildText('name'), version: answer.getChildText('version') }
    },
    archive: searchArchive,
    carbons: async () => {
      await xmpp.iqCaller.set(xml('enable', { xmlns: 'urn:xmpp:carbons:2' }))
      return true
    },
  },
})
