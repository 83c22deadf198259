import { ManualClock, type Scenario, scenario } from '@jackdaw/testkit'
import { type Element, type Payload, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { defineModule } from '../module.ts'

const header = `<?xml version='1.0'?><stream:stream to='home.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`

/** A connection that speaks raw text; resolves with all that was answered when the server has closed it. */
async function raw(s: Pick<Scenario, 'connect'>, ...texts: string[]): Promise<string> {
  let answer = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  const wire = await s.connect({
    data: (chunk) => void (answer += Buffer.from(chunk as Uint8Array).toString()),
    gone: resolve,
  })
  for (const text of texts) wire.write(text)
  await promise
  return answer
}

const errors: readonly (readonly [section: string, condition: string, text: string])[] = [
  [
    '§4.9.3.1',
    'bad-format',
    `<stream:foo xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='home.test' version='1.0'>`,
  ],
  ['§4.9.3.6', 'host-unknown', header.replace('home.test', 'elsewhere.test')],
  ['§4.9.3.7', 'improper-addressing', header.replace(`to='home.test' `, '')],
  ['§4.9.3.10', 'invalid-namespace', header.replace('etherx.jabber.org/streams', 'wrong.example/')],
  ['§4.9.3.10', 'invalid-namespace', header.replace('jabber:client', 'jabber:server')],
  ['§4.9.3.12', 'not-authorized', `${header}<message to='romeo@home.test'><body>hi</body></message>`],
  ['§4.9.3.13', 'not-well-formed', `${header}<message></presence>`],
  ['§4.9.3.14', 'policy-violation', `${header}<message><body>${'x'.repeat(20_000)}</body></message>`],
  ['§4.9.3.18', 'restricted-xml', `${header}<!-- a comment -->`],
  ['§4.9.3.18', 'restricted-xml', `${header}<?a processing instruction?>`],
  ['§4.9.3.24', 'unsupported-stanza-type', `${header}<stream:unknown/>`],
  ['§4.9.3.25', 'unsupported-version', header.replace(`version='1.0' xmlns`, `version='0.9' xmlns`)],
  ['§4.9.3.25', 'unsupported-version', header.replace(`version='1.0' xmlns`, 'xmlns')],
]

test.each(errors)('RFC 6120 %s: %s', async (_, condition, text) => {
  await using s = await scenario({ modules: [] })
  const answer = await raw(s, text)
  // §4.9.1.2: even an error comes within a stream that has been opened.
  expect(answer).toMatch(/^<\?xml version='1\.0'\?><stream:stream /)
  expect(answer).toContain(`<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>`)
  expect(answer).toMatch(/<\/stream:stream>$/)
})

test('RFC 6120 §4.4: a closed stream is closed in answer', async () => {
  await using s = await scenario({ modules: [] })
  expect(await raw(s, header, '</stream:stream>')).toMatch(/<\/stream:features><\/stream:stream>$/)
})

test('RFC 6120 §4.7.2: the header names the host, an id, the version and the language', async () => {
  await using s = await scenario({ modules: [] })
  const answer = await raw(s, header.replace('to=', `xml:lang='de' to=`), '</stream:stream>')
  expect(answer).toMatch(/ from='home\.test' id='[\w-]{16}' version='1\.0' xml:lang='de'>/)
})

test('RFC 6120 §4.7.2: a client that says who it is, is addressed by its bare JID', async () => {
  await using s = await scenario({ modules: [] })
  const answer = await raw(s, header.replace('to=', `from='Romeo@home.test/phone' to=`), '</stream:stream>')
  expect(answer).toMatch(/ to='romeo@home\.test' from='home\.test' id=/)
})

test.each(['elsewhere.test', '@'])(
  'RFC 6120 §4.9.1.3: the header before an error is complete, also to %s',
  async (to) => {
    await using s = await scenario({ modules: [] })
    const answer = await raw(s, header.replace('home.test', to))
    expect(answer).toMatch(/ from='home\.test' id='[\w-]{16}' version='1\.0' xml:lang='en'>/)
  },
)

test('RFC 6120 §4.7.5: leading zeros in a version are ignored', async () => {
  await using s = await scenario({ modules: [] })
  expect(await raw(s, header.replace(`version='1.0' xmlns`, `version='01.00' xmlns`), '</stream:stream>')).toMatch(
    /<\/stream:features><\/stream:stream>$/,
  )
})

test('RFC 6120 §4.9.3.9, §6.4.6: who logs in as one user and goes on as another is cut off', async () => {
  await using s = await scenario({ modules: [] })
  await s.register('romeo')
  const plain = Buffer.from('\0romeo\0the wine is red').toString('base64')
  const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`
  const says = (from: string, ...more: string[]) =>
    raw(s, header, auth, header.replace('to=', `from='${from}' to=`), ...more)
  expect(await says('juliet@home.test')).toContain('<invalid-from ')
  expect(await says('Romeo@home.test', '</stream:stream>')).toMatch(/<\/stream:features><\/stream:stream>$/)
  expect(await says('home.test', '</stream:stream>')).toMatch(/<\/stream:features><\/stream:stream>$/)
})

test('RFC 6120 §6.4.3: a challenge without data is empty', async () => {
  await using s = await scenario({ modules: [] })
  const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>`
  expect(await raw(s, header, auth, '</stream:stream>')).toContain(
    `<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`,
  )
})

test('RFC 6120 §6.3.8: the authorization identity is the account, however it is written, and no other', async () => {
  await using s = await scenario({ modules: [], config: { limits: { unauthenticatedTime: '10 min' } } })
  await s.register('romeo')
  const says = async (authzid: string) => {
    const plain = Buffer.from(`${authzid}\0romeo\0the wine is red`).toString('base64')
    const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`
    const answers: string[] = []
    void raw(s, header, auth, `${header}</stream:stream>`).then((answer) => answers.push(answer))
    // A refusal is told later.
    while (answers.length === 0) await s.clock.advance(10)
    return answers[0]
  }
  expect(await says('Romeo@HOME.test')).toContain('<success ')
  expect(await says('juliet@home.test')).toContain('<invalid-authzid/>')
  expect(await says('romeo')).toContain('<invalid-authzid/>')
})

test('RFC 6120 §4.9.3.4: a stream that does not log in is ended after the time for it', async () => {
  await using s = await scenario({ modules: [] })
  const client = s.client('romeo')
  await client.open()
  await s.clock.advance(31_000)
  await client.whenGone
  expect(client.streamError?.condition).toBe('connection-timeout')
})

test('RFC 6120 §4.9.3.9: a stanza from somebody else ends the stream', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [] })
  s.phone.says(`<message from='juliet@home.test' to='romeo@home.test'/>`)
  await s.phone.whenGone
  expect(s.phone.streamError?.condition).toBe('invalid-from')
})

test('RFC 6120 §8.1.2.1: a stanza from the bare or the full JID gets the full one', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone', 'laptop'] }, modules: [] })
  for (const from of ['romeo@home.test', 'romeo@home.test/phone']) {
    s.phone.says(`<message from='${from}' to='romeo@home.test/laptop'/>`)
    await s.laptop.hears(`<message from='romeo@home.test/phone'/>`)
  }
})

test('RFC 6120 §8.1.5: a stanza without a language gets that of its stream', async () => {
  await using s = await scenario({ accounts: { juliet: ['balcony'] }, modules: [] })
  await s.register('romeo')
  const romeo = s.client('romeo', 'phone', { lang: 'it' })
  await romeo.connect()
  romeo.says(`<message to='juliet@home.test/balcony'><body>ciao</body></message>`)
  await s.balcony.hears(`<message xml:lang='it'/>`)
})

test.each(['x'.repeat(5_000), 'it_IT', ''])(
  'RFC 6120 §4.7.4: %s is no language, and no stanza gets it',
  async (lang) => {
    await using s = await scenario({ accounts: { juliet: ['balcony'] }, modules: [] })
    await s.register('romeo')
    const romeo = s.client('romeo', 'phone', { lang })
    await romeo.connect()
    romeo.says(`<message to='juliet@home.test/balcony'><body>ciao</body></message>`)
    expect((await s.balcony.stanza()).lang).toBeUndefined()
  },
)

test('RFC 6120 §8.1.1: a malformed address is answered, and the stream goes on', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [] })
  s.phone.says(`<message to='a@b@c' id='1'/>`)
  await s.phone.hears(
    `<message id='1' type='error'><error type='modify'><jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  )
  await s.phone.hearsNothing()
})

test('RFC 6120 §7.6.1: the server chooses a resource when none is asked for', async () => {
  await using s = await scenario({ modules: [] })
  await s.register('romeo')
  const romeo = s.client('romeo')
  await romeo.connect()
  expect(romeo.jid.resource).toMatch(/^[\w-]{12}$/)
})

test('RFC 6120 §7.7.2.1: a resource that is none is a bad request, and another may be tried', async () => {
  await using s = await scenario({ modules: [] })
  await s.register('romeo')
  const romeo = s.client('romeo')
  await romeo.open()
  await romeo.login()
  await expect(romeo.bind('\u200b')).rejects.toMatchObject({ condition: 'bad-request' })
  await romeo.bind('phone')
  expect(romeo.jid.toString()).toBe('romeo@home.test/phone')
})

test('RFC 6120 §7.7.2.2: a resource that is in use is taken from its old session', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [] })
  const again = await s.login('romeo', 'phone')
  await s.phone.whenGone
  expect(s.phone.streamError?.condition).toBe('conflict')
  await again.hearsNothing()
})

test('RFC 6120 §7.6.2.1: an account has at most so many resources', async () => {
  await using s = await scenario({
    accounts: { romeo: ['a', 'b'] },
    modules: [],
    config: { limits: { resourcesPerAccount: 2 } },
  })
  await expect(s.login('romeo', 'c')).rejects.toMatchObject({ condition: 'resource-constraint' })
})

test('RFC 6120 §10.1: stanzas of one stream are handled in order', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone', 'laptop'] }, modules: [] })
  for (let i = 0; i < 100; i++) s.phone.says(`<message to='romeo@home.test/laptop' id='${i}'/>`)
  for (let i = 0; i < 100; i++) await s.laptop.hears(`<message id='${i}'/>`)
})

test('RFC 6120 §4.6.4: a silent client is asked for a sign of life and given up without one', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone', 'laptop'] }, modules: [] })
  await s.clock.advance(301_000)
  await s.phone.hears(`<iq type='get' from='home.test'><ping xmlns='urn:xmpp:ping'/></iq>`)
  s.phone.says(`<iq type='result' to='home.test' id='keep-alive'/>`)
  await s.phone.sync()
  await s.clock.advance(61_000)
  await s.laptop.whenGone
  expect(s.laptop.streamError?.condition).toBe('connection-timeout')
  expect(s.phone.isConnected).toBe(true)
})

test('limits: a client that sends too fast is held back, and loses nothing', async () => {
  await using s = await scenario({
    accounts: { romeo: ['phone', 'laptop'] },
    modules: [],
    config: { limits: { stanzasPerSecond: 10, stanzasBurst: 10 } },
  })
  for (let i = 0; i < 40; i++) {
    s.phone.says(`<message to='romeo@home.test/laptop' id='${i}'/>`)
    await s.clock.advance(0)
  }
  expect(s.laptop.inbox.length).toBeLessThan(15)
  await s.clock.advance(5_000)
  expect(s.laptop.inbox.map(({ id }: { id?: string }) => Number(id))).toEqual(Array.from({ length: 40 }, (_, i) => i))
})

test('RFC 6120 §6.5: failures, their conditions and their number', async () => {
  await using s = await scenario({ modules: [], config: { limits: { unauthenticatedTime: '10 min' } } })
  await s.register('romeo')
  const client = s.client('romeo')
  await client.open()
  const saslNs = 'urn:ietf:params:xml:ns:xmpp-sasl'
  const attempt = async (element: Element) => {
    client.send(element)
    const heard: Element[] = []
    void client.next().then((answer) => heard.push(answer))
    while (heard.length === 0) await s.clock.advance(10)
    return heard[0]!.first()!.name
  }
  expect(await attempt(xml('auth', saslNs, { mechanism: 'FOO' }))).toBe('invalid-mechanism')
  expect(await attempt(xml('auth', saslNs, { mechanism: 'PLAIN' }, '!'))).toBe('incorrect-encoding')
  const plain = Buffer.from('\0romeo\0wrong').toString('base64')
  expect(await attempt(xml('auth', saslNs, { mechanism: 'PLAIN' }, plain))).toBe('not-authorized')
  await client.whenGone
  expect(client.streamError).toMatchObject({ condition: 'policy-violation' })
})

const Large: Payload<undefined> = {
  name: 'large',
  ns: 'urn:jackdaw:test',
  read: () => undefined,
  write: () => xml('large', 'urn:jackdaw:test'),
}
const request = `<iq type='get' id='1'>${Large.write(undefined)}</iq>`

test('limits: a client that asks for much at once gets it in portions', async () => {
  const large = defineModule({
    name: 'large',
    start: (host) => host.answer('get', 'account', Large, () => xml('large', Large.ns, {}, 'x'.repeat(300_000))),
  })
  await using s = await scenario({ modules: [large] })
  await s.register('romeo')
  const sizes: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const romeo = s.client('romeo', 'phone', {
    connect: (events) =>
      s.connect({
        data: (chunk) => {
          sizes.push(chunk.length)
          events.data(chunk)
        },
        gone: () => events.gone(),
      }),
    onStanza: ({ id }) => (id === '1' && ++heard === 40 ? resolve() : undefined, true),
  })
  let heard = 0
  await romeo.connect()
  romeo.send(request.repeat(40))
  await promise
  expect(Math.max(...sizes)).toBeLessThan(1_048_576 + 300_000)
})

test('limits: what one tick keeps is bounded, however much is to be kept', async () => {
  const large = defineModule({
    name: 'large',
    start: (host) => host.answer('get', 'account', Large, ({ sender }) => sender!.set('large', 'x'.repeat(6_000_000))),
  })
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [large] })
  s.phone.send(request.repeat(9))
  await s.phone.sync()
  const sizes = [...s.journalStore.read(0)].map(([, batch]) => batch.length).filter((size) => size > 6_000_000)
  expect(sizes.map((size) => Math.floor(size / 6_000_000))).toEqual([3, 3, 3])
})

class SlowClock extends ManualClock {
  #spent = 0

  override now(): number {
    return super.now() + this.#spent
  }

  spend(ms: number): void {
    this.#spent += ms
  }
}

test('limits: a client whose stanzas take long to handle does not hold up the others', async () => {
  const clock = new SlowClock()
  const order: string[] = []
  const slow = defineModule({
    name: 'slow',
    start: (host) =>
      host.answer('get', 'account', Large, ({ to }) => {
        order.push(to.local!)
        clock.spend(8)
      }),
  })
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [slow], clock })
  for (const client of [s.phone, s.balcony]) client.send(request.repeat(10))
  for (const client of [s.phone, s.balcony]) await client.sync()
  const both = (count: number) => [...Array(count).fill('romeo'), ...Array(count).fill('juliet')]
  expect(order).toEqual([...both(6), ...both(4)])
})
