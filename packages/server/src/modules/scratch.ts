import { Jid, parse, Stanza, type Element, StreamError } from '@jackdaw/xmpp'
import { createServer, MemoryJournalStore, type Module } from '../index.ts'
import { roster } from './roster/roster.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'
import { presence } from './presence/presence.ts'
import type { Session } from '../session/session.ts'

export class Client {
  readonly inbox: string[] = []
  session!: Session
  deliver(text: string) { this.inbox.push(text) }
  end(error: StreamError) { this.inbox.push(`END ${error.condition}`) }
  async says(xml: string) {
    await this.session.accept(Stanza.from(parse(xml.replace(/^<(\w+)/, "<$1 xmlns='jabber:client'"))))
    await new Promise((r) => setImmediate(r))
  }
  take() { return this.inbox.splice(0) }
}
export async function scratch(accounts: Record<string, string[]>, domains = ['home.test']) {
  const journalStore = new MemoryJournalStore()
  const server = await createServer(
    { hosts: Object.fromEntries(domains.map((d) => [d, {}])), log: { level: 'warn' }, listen: { xmpp: false, xmpps: false, http: false, https: false } } as any,
    { modules: [roster, subscriptions, presence] as Module[], journalStore },
  )
  const clients: Record<string, Client> = {}
  for (const [name, resources] of Object.entries(accounts)) {
    const account = Jid.parse(name.includes('@') ? name : `${name}@${domains[0]}`)
    await server.hosts.get(account.domain)!.accounts.create(account, 'x')
    for (const resource of resources) {
      const client = (clients[resource] = new Client())
      client.session = server.sessions.bind(client as any, account, resource)
    }
  }
  return { server, ...clients } as { server: typeof server } & Record<string, Client>
}
