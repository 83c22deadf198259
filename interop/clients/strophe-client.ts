import { $iq, $msg, $pres, Strophe } from 'strophe.js'
import { obey, options, tell } from './lines.ts'
import { XmlHttpRequest } from './xml-http-request.ts'

// Strophe.js as a program: see peer.ts. What it has no words for (roster, carbons …) is written out here.
/** What is used here of the DOM. */
interface Element {
  readonly textContent: string | null
  getAttribute(name: string): string | null
  getElementsByTagName(name: string): ArrayLike<Element>
  getElementsByTagNameNS(ns: string, name: string): ArrayLike<Element>
}

const domain = options.jid.split('@')[1]!.split('/')[0]!
const service =
  options.transport === 'bosh' ? `https://127.0.0.1:${options.port}/bosh` : `wss://127.0.0.1:${options.port}/xmpp`
const xmpp = new Strophe.Connection(service, { enableStreamManagement: true })
const isBosh = options.transport === 'bosh'
Object.assign(globalThis, { XMLHttpRequest: XmlHttpRequest })
const mam = 'urn:xmpp:mam:2'
let isClosing = false
let again: NodeJS.Timeout | undefined
Strophe.setLogLevel(Strophe.LogLevel.ERROR)
xmpp.sm!.onEnabled = () => tell({ is: 'online', jid: xmpp.jid })

function connect(): void {
  isClosing = false
  xmpp.reset()
  xmpp.connect(options.jid, options.password, (status: number) => {
    if (status === Strophe.Status.CONNECTED) {
      // Its handlers do not outlive a connection.
      xmpp.addHandler(onMessage, null, 'message', null)
      xmpp.addHandler(onPresence, null, 'presence', null)
      xmpp.addHandler(onPush, 'jabber:iq:roster', 'iq', 'set')
      if (xmpp.hasResumed()) tell({ is: 'resumed' })
      // It has stream management over WebSocket alone.
      else if (isBosh) tell({ is: 'online', jid: xmpp.jid })
    } else if (status === Strophe.Status.DISCONNECTED) {
      tell({ is: 'offline' })
      // It does not come back by itself, and says more than once that it could not.
      clearTimeout(again)
      if (!isClosing) again = setTimeout(connect, 200)
    }
  })
}

/** A handler that stays. */
const onMessage = (message: Element): true => {
  for (const direction of ['sent', 'received'] as const) {
    const copied = all(message, direction, 'urn:xmpp:carbons:2')[0]?.getElementsByTagName('message')[0]
    if (!copied) continue
    const [from, to] = [copied.getAttribute('from')!, copied.getAttribute('to')!]
    tell({ is: 'copy', direction, from, to, body: text(copied, 'body') })
    return true
  }
  const result = all(message, 'result', mam)[0]
  if (result) {
    found.push(text(result, 'body'))
    return true
  }
  const isDelayed = all(message, 'delay', 'urn:xmpp:delay').length > 0
  if (message.getElementsByTagName('body').length > 0)
    tell({ is: 'message', from: message.getAttribute('from')!, body: text(message, 'body'), delayed: isDelayed })
  return true
}

const onPresence = (presence: Element): true => {
  const [from, type] = [presence.getAttribute('from') ?? '', presence.getAttribute('type') ?? '']
  tell({ is: 'presence', from, type, status: text(presence, 'status') })
  return true
}

const onPush = (iq: Element): true => {
  for (const item of items(iq)) tell({ is: 'push', ...item })
  xmpp.send($iq({ type: 'result', id: iq.getAttribute('id')! }))
  return true
}

function all(element: Element, name: string, ns: string): Element[] {
  return Array.from(element.getElementsByTagNameNS(ns, name))
}

function text(element: Element, name: string): string {
  return element.getElementsByTagName(name)[0]?.textContent ?? ''
}

function items(iq: Element): { jid: string; subscription: string }[] {
  return all(iq, 'item', 'jabber:iq:roster').map((item) => ({
    jid: item.getAttribute('jid')!,
    subscription: item.getAttribute('subscription') ?? 'none',
  }))
}

let found: string[] = []

/** All bodies, page by page. */
async function searchArchive(): Promise<string[]> {
  found = []
  for (let after: string | undefined; ;) {
    const query = $iq({ type: 'set' })
      .c('query', { xmlns: mam })
      .c('set', { xmlns: 'http://jabber.org/protocol/rsm' })
      .c('max', {}, '7')
    const fin = all(await request(after === undefined ? query : query.c('after', {}, after)), 'fin', mam)[0]!
    if (fin.getAttribute('complete') === 'true') return found
    after = text(fin, 'last')
  }
}

function ask(type: 'get' | 'set', name: string, ns: string, to?: string): Promise<Element> {
  return request($iq(to === undefined ? { type } : { type, to }).c(name, { xmlns: ns }))
}

function request(iq: ReturnType<typeof $iq>): Promise<Element> {
  return new Promise((resolve, reject) => {
    const fail = (error: Element | null): void => reject(new Error(error ? text(error, 'text') : 'no answer'))
    xmpp.sendIQ(iq, resolve, fail, 30_000)
  })
}

obey({
  connect,
  close() {
    isClosing = true
    xmpp.disconnect('')
  },
  presence({ status, ...attributes }) {
    const presence = $pres(attributes)
    xmpp.send(status === undefined ? presence : presence.c('status', {}, status))
  },
  message(to, body) {
    try {
      xmpp.send($msg({ to, type: 'chat' }).c('body', {}, body))
    } catch {
      tell({ is: 'unsent', body })
    }
  },
  answers: {
    roster: async () => items(await ask('get', 'query', 'jabber:iq:roster')),
    ping: async () => {
      await ask('get', 'ping', 'urn:xmpp:ping', domain)
      return true
    },
    disco: async () => {
      const ns = 'http://jabber.org/protocol/disco#info'
      return all(await ask('get', 'query', ns, domain), 'feature', ns).map((feature) => feature.getAttribute('var'))
    },
    version: async () => {
      const answer = await ask('get', 'query', 'jabber:iq:version', domain)
      return { name: text(answer, 'name'), version: text(answer, 'version') }
    },
    archive: searchArchive,
    carbons: async () => {
      await ask('set', 'enable', 'urn:xmpp:carbons:2')
      return true
    },
  },
})
