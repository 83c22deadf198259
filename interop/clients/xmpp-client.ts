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
const xmpp = client({ service: services[options.transport], domain, username, password: options.password, resource })
xmpp.reconnect.delay = 200

xmpp.on('error', (error) => console.error(error))
xmpp.on('disconnect', () => tell({ is: 'offline' }))
// It calls itself online before it has stream management.
xmpp.on('nonza', (element) => {
  if (element.is('enabled', 'urn:xmpp:sm:3')) setImmediate(() => tell({ is: 'online', jid: String(xmpp.jid) }))
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
    tell({ is: 'copy', direction, from: copied.attrs['from']!, to: copied.attrs['to']!, body: copied.getChildText('body')! })
  }
  const body = stanza.getChildText('body')
  if (body !== null) tell({ is: 'message', from, body, delayed: stanza.getChild('delay', 'urn:xmpp:delay') !== undefined })
})
xmpp.iqCallee.set('jabber:iq:roster', 'query', ({ element }) => {
  for (const { attrs } of element.getChildren('item'))
    tell({ is: 'push', jid: attrs['jid']!, subscription: attrs['subscription'] ?? 'none' })
  return {}
})

const ask = (name: string, xmlns: string, to?: string): Promise<XmlElement | undefined> => xmpp.iqCaller.get(xml(name, { xmlns }), to)

obey({
  connect: () => void xmpp.start().catch((error: unknown) => console.error(error)),
  close: () => void xmpp.stop().catch((error: unknown) => console.error(error)),
  presence: ({ status, ...attributes }) => {
    xmpp.send(xml('presence', attributes, status === undefined ? undefined : xml('status', {}, status))).catch(console.error)
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
    carbons: async () => {
      await xmpp.iqCaller.set(xml('enable', { xmlns: 'urn:xmpp:carbons:2' }))
      return true
    },
  },
})
