import { Element, Jid, parse, Stanza, StanzaError, type StreamError } from '@jackdaw/xmpp'
import { createServer, MemoryJournalStore, type Module } from '../index.ts'
import type { Session } from '../session/session.ts'

const ns = (xml: string) => xml.replace(/^<(\w+)/, "<$1 xmlns='jabber:client'")

/** Whether all that the pattern says is in the element. */
function matches(element: Element, pattern: Element): boolean {
  if (element.name !== pattern.name || element.ns !== pattern.ns) return false
  for (let i = 0; i < pattern.attrs.length; i += 2) {
    const v = element.attr(pattern.attrs[i]!)
    if (v === undefined || (pattern.attrs[i + 1] !== '*' && v !== pattern.attrs[i + 1])) return false
  }
  if (pattern.text && pattern.text !== element.text) return false
  return pattern.elements().every((c) => element.elements().some((e) => matches(e, c)))
}

export class Client {
  readonly inbox: string[] = []
  session!: Session
  #id = 0
  deliver(text: string) {
    this.inbox.push(text)
  }
  end(error: StreamError) {
    this.inbox.push(`END ${error.condition}`)
  }
  async says(xml: string) {
    await this.session.accept(Stanza.from(parse(ns(xml))))
    await new Promise((r) => setImmediate(r))
  }
  async hears(pattern: string): Promise<Stanza> {
    const text = this.inbox.shift()
    if (text === undefined) throw new Error(`nothing heard; expected ${pattern}`)
    const element = parse(ns(text))
    if (!matches(element, parse(ns(pattern)))) throw new Error(`heard ${text}\nexpected ${pattern}`)
    if (!/type=/.test(pattern) && element.attr('type')) throw new Error(`heard ${text}\nexpected ${pattern}`)
    return Stanza.from(element)
  }
  async hearsNothing() {
    if (this.inbox.length > 0) throw new Error(`heard ${this.inbox.join('\n')}`)
  }
  async asks(xml: string): Promise<Element | undefined> {
    const id = `q${++this.#id}`
    await this.says(xml.replace('<iq', `<iq id='${id}'`))
    const i = this.inbox.findIndex((t) => t.includes(`id='${id}'`))
    const answer = parse(ns(this.inbox.splice(i, 1)[0]!))
    if (answer.attr('type') === 'error') throw StanzaError.from(answer)
    return answer.first()
  }
}
export async function scenario(options: { accounts: Record<string, string[]>; modules: readonly Module[]; domains?: string[]; config?: any; journalStore?: MemoryJournalStore }) {
  const journalStore = options.journalStore ?? new MemoryJournalStore()
  const domains = options.domains ?? ['home.test']
  const server = await createServer(
    {
      hosts: Object.fromEntries(domains.map((d) => [d, { modules: options.config ?? {} }])),
      log: { level: 'warn' },
      listen: { xmpp: false, xmpps: false, http: false, https: false },
    } as any,
    { modules: options.modules, journalStore },
  )
  const clients: Record<string, Client> = {}
  for (const [name, resources] of Object.entries(options.accounts)) {
    const account = Jid.parse(name.includes('@') ? name : `${name}@${domains[0]}`)
    if (!(await server.hosts.get(account.domain)!.accounts.exists(account))) await server.hosts.get(account.domain)!.accounts.create(account, 'x')
    for (const resource of resources) {
      const client = (clients[resource] = new Client())
      client.session = server.sessions.bind(client as any, account, resource)
    }
  }
  return { server, ...clients } as { server: typeof server } & { [name in 'phone' | 'laptop' | 'balcony' | 'garden' | 'desk']: Client }
}
