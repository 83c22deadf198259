import { createClient } from 'stanza'
import { obey, options, tell } from './lines.ts'

// Stanza as a program: see peer.ts.
const [account, resource] = options.jid.split('/') as [string, string]
const domain = account.split('@')[1]!
const xmpp = createClient({
  jid: account,
  resource,
  password: options.password,
  transports: { websocket: `wss://127.0.0.1:${options.port}/xmpp`, bosh: false },
  autoReconnect: true,
  maxReconnectBackoff: 0.2,
})

// It does not wait for what it writes: where the connection has just broken, nobody takes the error. A browser would go on as well.
process.on('unhandledRejection', (error) => console.error(error))
// And what it writes then keeps it, under Node, from seeing that the connection has ended: it must look for itself (seconds).
xmpp.enableKeepAlive({ interval: 2, timeout: 5 })
xmpp.on('disconnected', () => tell({ is: 'offline' }))
xmpp.on('session:started', () => tell({ is: 'online', jid: xmpp.jid }))
xmpp.on('stream:management:resumed', () => tell({ is: 'resumed' }))
xmpp.on('message:acked', ({ body }) => {
  if (body !== undefined) tell({ is: 'acked', body })
})
xmpp.on('carbon:received', ({ carbon }) => copy('received', carbon.forward.message!))
xmpp.on('carbon:sent', ({ carbon }) => copy('sent', carbon.forward.message!))
// Its event `message` brings the messages within carbons too, as if they had come by themselves: those it has given a delay.
const copied = new WeakSet<object>()
xmpp.on('message', (message) => {
  if (message.body === undefined || copied.has(message)) return
  tell({ is: 'message', from: message.from ?? '', body: message.body, delayed: message.delay !== undefined })
})
xmpp.on('presence', ({ from, type, status }) =>
  tell({ is: 'presence', from: from ?? '', type: type ?? '', status: status ?? '' }),
)
xmpp.on('roster:update', ({ roster }) => {
  for (const { jid, subscription } of roster.items ?? [])
    tell({ is: 'push', jid, subscription: subscription ?? 'none' })
})

function copy(direction: 'sent' | 'received', message: { from?: string; to?: string; body?: string }): void {
  copied.add(message)
  tell({ is: 'copy', direction, from: message.from!, to: message.to!, body: message.body! })
}

let roster: unknown[] = []

obey({
  connect: () => xmpp.connect(),
  close: () => xmpp.disconnect(),
  presence: (about) => void xmpp.sendPresence(about as Parameters<typeof xmpp.sendPresence>[0]),
  message: (to, body) => void xmpp.sendMessage({ to, body, type: 'chat' }),
  answers: {
    roster: async () => {
      const { version, items } = await xmpp.getRoster()
      // RFC 6121 §2.6.3: without a version, nothing has changed since it asked before.
      if (version !== undefined) roster = items.map(({ jid, subscription }) => ({ jid, subscription }))
      return roster
    },
    ping: async () => {
      await xmpp.ping(domain)
      return true
    },
    disco: async () => (await xmpp.getDiscoInfo(domain)).features,
    version: async () => {
      const { name, version } = await xmpp.getSoftwareVersion(domain)
      return { name, version }
    },
    carbons: async () => {
      await xmpp.enableCarbons()
      return true
    },
    archive: async () => {
      const bodies: (string | undefined)[] = []
      for (let after: string | undefined; ;) {
        const page = await xmpp.searchHistory({ paging: { max: 7, ...(after !== undefined && { after }) } })
        bodies.push(...page.results!.map(({ item }) => item.message?.body))
        if (page.complete) return bodies
        after = page.paging!.last!
      }
    },
  },
})
