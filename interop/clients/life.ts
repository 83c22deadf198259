import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { Gate } from './gate.ts'
import { type Make, Peer, portFor, type Transport } from './peer.ts'

const password = 'wherefore-art-thou'

interface Side {
  readonly make: Make
  readonly transport: Transport
  /** After a resumption it sends again what the server has not acknowledged (XEP-0198 §5). */
  readonly repeats: boolean
}

export interface Life {
  readonly one: Side
  readonly other: Side
}

/** What a user does from the first login on, with a client of the one make; the partner uses one of another make. Each test goes on where the one before it ended. */
export function live({ one, other }: Life): void {
  let server: Jackdaw
  let gate: Gate
  let romeo: Peer
  let juliet: Peer
  const ends: Peer[] = []
  let isOver = false

  // What comes after a failure would only fail because of it.
  beforeEach(({ skip }) => {
    skip(isOver, 'something before has failed')
    onTestFailed(() => void (isOver = true))
  })

  async function logIn(
    make: Make,
    jid: string,
    transport: Transport,
    port = portFor(server, transport),
  ): Promise<Peer> {
    const peer = new Peer(make, { jid, password, transport, port, certificate: server.certificate })
    ends.push(peer)
    peer.do({ do: 'connect' })
    await peer.hears({ is: 'online', jid })
    return peer
  }

  beforeAll(async () => {
    server = await Jackdaw.start()
    await Promise.all(['romeo', 'juliet'].map((name) => server.addUser(`${name}@localhost`, password)))
    gate = await Gate.open(portFor(server, one.transport))
  })

  afterAll(async () => {
    await Promise.all(ends.map((peer) => peer.end()))
    gate?.close()
    await server?.stop()
  })

  test(`logs in over ${one.transport} and binds the resource it asks for`, async () => {
    romeo = await logIn(one.make, 'romeo@localhost/garden', one.transport, gate.port)
    juliet = await logIn(other.make, 'juliet@localhost/balcony', other.transport)
    for (const peer of [romeo, juliet]) {
      peer.do({ do: 'presence', status: 'here' })
      await peer.hears({ is: 'presence', status: 'here' })
      expect(await peer.ask('roster')).toEqual([])
    }
  })

  test('subscribes and is subscribed to; both see the other’s presence', async () => {
    for (const [asking, asked] of [
      [romeo, juliet],
      [juliet, romeo],
    ] as const) {
      asking.do({ do: 'presence', to: asked.account, type: 'subscribe' })
      await asked.hears({ is: 'presence', from: asking.account, type: 'subscribe' })
      asked.do({ do: 'presence', to: asking.account, type: 'subscribed' })
      await asking.hears({ is: 'presence', from: asked.account, type: 'subscribed' })
      await asking.hears({ is: 'presence', from: jidOf(asked), type: '', status: 'here' })
    }
    await romeo.hears({ is: 'push', jid: juliet.account, subscription: 'both' })
    await juliet.hears({ is: 'push', jid: romeo.account, subscription: 'both' })
    romeo.do({ do: 'presence', status: 'in love' })
    await juliet.hears({ is: 'presence', from: jidOf(romeo), type: '', status: 'in love' })
    expect(await romeo.ask('roster')).toEqual([{ jid: juliet.account, subscription: 'both' }])
  })

  test('messages go both ways, in order', async () => {
    const [mine, hers] = [several('hello, Juliet'), several('hello, Romeo')]
    romeo.says(juliet, ...mine)
    juliet.says(romeo, ...hers)
    await juliet.hears({ is: 'message', from: jidOf(romeo), body: mine.at(-1) })
    await romeo.hears({ is: 'message', from: jidOf(juliet), body: hers.at(-1) })
    expect(juliet.bodies()).toEqual(mine)
    expect(romeo.bodies()).toEqual(hers)
  })

  test('the server answers ping, service discovery and version', async () => {
    expect(await romeo.ask('ping')).toBe(true)
    expect(await romeo.ask('disco')).toEqual(
      expect.arrayContaining(['urn:xmpp:ping', 'jabber:iq:version', 'urn:xmpp:carbons:2']),
    )
    expect(await romeo.ask('version')).toEqual({ name: 'Jackdaw', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  })

  test('XEP-0280: a second device hears what is said to and by the first', async () => {
    const phone = await logIn(one.make, 'romeo@localhost/phone', one.transport)
    phone.do({ do: 'presence', status: 'on the way' })
    await juliet.hears({ is: 'presence', from: 'romeo@localhost/phone', status: 'on the way' })
    await phone.ask('carbons')
    await romeo.ask('carbons')
    romeo.says(juliet, 'from the garden')
    await phone.hears({
      is: 'copy',
      direction: 'sent',
      from: jidOf(romeo),
      to: juliet.account,
      body: 'from the garden',
    })
    phone.says(juliet, 'from the phone')
    await romeo.hears({ is: 'copy', direction: 'sent', from: 'romeo@localhost/phone', body: 'from the phone' })
    juliet.do({ do: 'message', to: jidOf(romeo), body: 'to the garden' })
    await phone.hears({
      is: 'copy',
      direction: 'received',
      from: jidOf(juliet),
      to: jidOf(romeo),
      body: 'to the garden',
    })
    await romeo.hears({ is: 'message', body: 'to the garden' })
    await juliet.hears({ is: 'message', body: 'from the phone' })
    phone.do({ do: 'close' })
    await juliet.hears({ is: 'presence', from: 'romeo@localhost/phone', type: 'unavailable' })
    expect(phone.bodies()).toEqual([])
    await phone.end()
  })

  test('goes offline, and comes back to what it missed, with its delay', async () => {
    const missed = several('while you were away')
    romeo.do({ do: 'close' })
    await romeo.hears({ is: 'offline' })
    await juliet.hears({ is: 'presence', from: jidOf(romeo), type: 'unavailable' })
    const before = romeo.heard.length
    juliet.says(romeo, ...missed)
    await juliet.hears({ is: 'acked', body: missed.at(-1) })
    romeo.do({ do: 'connect' })
    await romeo.hears({ is: 'online' })
    romeo.do({ do: 'presence', status: 'back' })
    await romeo.hears({ is: 'message', body: missed.at(-1), delayed: true })
    await juliet.hears({ is: 'presence', from: jidOf(romeo), type: '', status: 'back' })
    expect(romeo.bodies(before)).toEqual(missed)
  })

  test('XEP-0198 §5: resumes after its connection broke; nothing lost, nothing twice, the partner sees nothing', async () => {
    await talkThrough('cut', () => {
      gate.cut()
      return Promise.resolve()
    })
    await romeo.hears({ is: 'resumed' })
    await settle('cut')
  })

  test('XEP-0198 §5: resumes after kill -9 of the server; nothing lost, nothing twice, nobody sees anything', async () => {
    await talkThrough('killed', () => server.kill())
    await romeo.hears({ is: 'offline' })
    await juliet.hears({ is: 'offline' })
    await server.start()
    await Promise.all([romeo.hears({ is: 'resumed' }), juliet.hears({ is: 'resumed' })])
    await settle('killed')
  })

  let marks: { readonly romeo: number; readonly juliet: number }
  let said: { readonly romeo: readonly string[]; readonly juliet: readonly string[] }

  /** Both talk at once, and in the middle of it something breaks. */
  async function talkThrough(name: string, breaks: () => Promise<void>): Promise<void> {
    marks = { romeo: romeo.heard.length, juliet: juliet.heard.length }
    said = { romeo: several(`${name}: romeo`, 40), juliet: several(`${name}: juliet`, 40) }
    romeo.says(juliet, ...said.romeo.slice(0, 10))
    juliet.says(romeo, ...said.juliet.slice(0, 10))
    await juliet.hears({ is: 'message', body: said.romeo[5] })
    romeo.says(juliet, ...said.romeo.slice(10))
    juliet.says(romeo, ...said.juliet.slice(10))
    await breaks()
  }

  /** After all have come back: what came is what was said. */
  async function settle(name: string): Promise<void> {
    for (const [from, to] of [
      [romeo, juliet],
      [juliet, romeo],
    ] as const) {
      const last = `${name}: last of ${from.account}`
      from.says(to, last)
      await to.hears({ is: 'message', body: last })
    }
    const sides = [
      [one, romeo, said.romeo, juliet, marks.juliet],
      [other, juliet, said.juliet, romeo, marks.romeo],
    ] as const
    for (const [side, from, bodies, to, mark] of sides) {
      const came = to.bodies(mark).slice(0, -1)
      // What the library gave back to its user, or would not send again, is not owed.
      const acked = new Set(from.heard.flatMap((event) => (event.is === 'acked' ? [event.body] : [])))
      const unsent = new Set(from.heard.flatMap((event) => (event.is === 'unsent' ? [event.body] : [])))
      const isOwed = (body: string): boolean => acked.has(body) || (side.repeats && !unsent.has(body))
      expect(came).toEqual(bodies.filter((body) => isOwed(body) || came.includes(body)))
    }
    for (const [peer, mark] of [
      [juliet, marks.juliet],
      [romeo, marks.romeo],
    ] as const)
      expect(peer.heard.slice(mark).filter(({ is }) => is === 'presence')).toEqual([])
    expect(await romeo.ask('roster')).toEqual([{ jid: juliet.account, subscription: 'both' }])
  }

  test('XEP-0313: the archive has every message once, in order, page by page', async () => {
    const archive = (await romeo.ask('archive')) as string[]
    for (const from of [romeo, juliet]) {
      const to = from === romeo ? juliet : romeo
      const exchanged = archive.filter((body) => to.bodies().includes(body))
      expect(exchanged).toEqual(to.bodies())
    }
    expect(new Set(archive).size).toBe(archive.length)
  })

  test('the server had no trouble', () => {
    expect(server.troubles).toEqual([])
  })
}

function jidOf(peer: Peer): string {
  return peer.account === 'romeo@localhost' ? 'romeo@localhost/garden' : 'juliet@localhost/balcony'
}

function several(text: string, count = 5): string[] {
  return Array.from({ length: count }, (_, index) => `${text} ${index + 1}`)
}
