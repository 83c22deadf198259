import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Client, type Connect, tls } from '@jackdaw/testkit'
import { Jid, MamFin, message, parse, Ping, xml } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'

const key = Buffer.alloc(32, 7)
const password = 'a long and secret word'
const perLife = 150
const lives = 5

interface Event {
  readonly id: string
  readonly type: string
  readonly data: { readonly body?: string; readonly account?: string }
}

/** Events as they come, each once, until there are enough. */
class Heard {
  readonly events: Event[] = []
  readonly ids = new Set<string>()
  #wake = () => {}

  take(event: Event): void {
    if (this.ids.has(event.id)) return
    this.ids.add(event.id)
    this.events.push(event)
    this.#wake()
  }

  get bodies(): (string | undefined)[] {
    return this.events.filter(({ data }) => data.account === 'juliet@localhost').map(({ data }) => data.body)
  }

  async has(count: number): Promise<void> {
    while (this.bodies.length < count) await new Promise<void>((resolve) => void (this.#wake = resolve))
  }
}

async function receiver(heard: Heard): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { headers } = request
      const signature = createHmac('sha256', key).update(
        `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`,
      )
      if (headers['webhook-signature'] === `v1,${signature.digest('base64')}`) heard.take(JSON.parse(body) as Event)
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Follows the stream as a browser does: comes back with the last id that it has had. */
function follow(server: Jackdaw, token: string, heard: Heard): void {
  const left = new AbortController()
  onTestFinished(() => left.abort())
  let last: string | undefined
  async function attempt(): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${server.ports.http}/api/v1/events?kinds=message`, {
      headers: { authorization: `Bearer ${token}`, ...(last !== undefined && { 'last-event-id': last }) },
      signal: left.signal,
    })
    expect(response.status).toBe(200)
    let rest = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n\n')
      rest = parts.pop()!
      for (const part of parts) {
        const data = /^data: (.*)$/m.exec(part)?.[1]
        if (data === undefined) continue
        last = /^id: (.*)$/m.exec(part)![1]!
        // It has never had it before: streams go on without a gap and without anything twice.
        expect(heard.ids.has(last)).toBe(false)
        heard.take(JSON.parse(data) as Event)
      }
    }
  }
  void (async () => {
    while (!left.signal.aborted) {
      await attempt().catch((error: unknown) => {
        if (error instanceof Error && error.name === 'AssertionError') throw error
      })
      await new Promise((resolve) => void setTimeout(resolve, 20))
    }
  })()
}

test('the server is killed again and again: of each message that it has kept webhook and stream are told, in order, and of no other', async () => {
  const [called, followed] = [new Heard(), new Heard()]
  const url = await receiver(called)
  const webhooks = { all: { url, secret: `whsec_${key.toString('base64')}`, kinds: ['message' as const] } }
  const server = await Jackdaw.start({
    localhost: { modules: { events: { content: true, networks: ['loopback'], webhooks } } },
  })
  onTestFinished(() => server.stop())
  for (const name of ['romeo', 'juliet']) await server.addUser(`${name}@localhost`, password)
  follow(server, await server.token('follower', ['events:read']), followed)
  const connect: Connect = (events) => tls(server.ports.xmpps)(events)
  const romeo = new Client({ jid: 'romeo@localhost/desk', password, connect, resume: true })
  await romeo.connect()
  const juliet = Jid.parse('juliet@localhost')
  let sent = 0
  for (let life = 0; life < lives; life++) {
    for (let i = 0; i < perLife; i++) {
      romeo.send(message({ to: juliet, type: 'chat' }, xml('body', 'jabber:client', {}, String(sent++))))
      if (i % 10 === 9) await new Promise((resolve) => void setTimeout(resolve, 5))
    }
    if (life === lives - 1) break
    await server.kill()
    await server.start()
    expect(await romeo.connect()).toBe('resumed')
  }
  await romeo.ask('get', Ping.write(), Jid.parse('localhost'))
  await Promise.all([called.has(sent), followed.has(sent)])
  const all = Array.from({ length: sent }, (_, index) => String(index))
  expect(called.bodies).toEqual(all)
  expect(followed.bodies).toEqual(all)
  // Of both sides' archives.
  expect(called.events).toHaveLength(2 * sent)
  expect(followed.events.map(({ id }) => id)).toEqual(called.events.map(({ id }) => id))

  const reader = new Client({
    jid: 'juliet@localhost/phone',
    password,
    connect,
    onStanza: ({ name }) => name === 'message',
  })
  await reader.connect()
  const asked = `<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></query>`
  const answer = await reader.ask('set', parse(asked), juliet)
  expect(MamFin.read(answer.first()!).set.count).toBe(sent)
  expect(server.troubles).toEqual([])
})
