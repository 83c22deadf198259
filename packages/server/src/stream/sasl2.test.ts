import { scenario } from '@jackdaw/testkit'
import { Element, message, type Node, parse, sasl2Ns, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { authenticate, channel, error, failure, late, opened, plain, secure, userAgent } from './sasl2-fixture.ts'

const sm = 'urn:xmpp:sm:3'
const phone = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const bind2 = (...more: (Element | undefined)[]) => xml('bind', 'urn:xmpp:bind:0', {}, ...more)
const tag = (text: string) => xml('tag', 'urn:xmpp:bind:0', {}, text)
const managed = xml('enable', sm, { resume: 'true' })

test('XEP-0388 §2.1, XEP-0440 §2: what is offered on TLS', async () => {
  await using s = await secure({})
  const romeo = await opened(s)
  const offer = romeo.features.child('authentication', sasl2Ns)!
  const names = offer.elements().flatMap(({ name, text }) => (name === 'mechanism' ? [text] : []))
  expect(names).toEqual(romeo.mechanisms)
  expect(names[0]).toBe('SCRAM-SHA-512-PLUS')
  expect(String(offer.child('inline'))).toBe(
    `<inline xmlns='urn:xmpp:sasl:2'><sm xmlns='urn:xmpp:sm:3'/><fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-EXPR</mechanism>` +
      `<mechanism>HT-SHA-256-ENDP</mechanism><mechanism>HT-SHA-256-NONE</mechanism></fast><bind xmlns='urn:xmpp:bind:0'><inline>` +
      `<feature var='urn:xmpp:sm:3'/><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:csi:0'/></inline></bind></inline>`,
  )
  expect(String(romeo.features.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0'))).toBe(
    `<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/>` +
      `<channel-binding type='tls-server-end-point'/></sasl-channel-binding>`,
  )
})

test('XEP-0386 §3.1: what may be bound along is what the host has now', async () => {
  await using s = await secure({})
  const listed = async () => String((await opened(s)).features.child('authentication', sasl2Ns)!.child('inline'))
  const both = await listed()
  expect(both).toContain('urn:xmpp:carbons:2')
  const hosts = (modules: Record<string, boolean>) => ({ 'home.test': { plaintext: true, modules } })
  await s.server.reload({ log: { level: 'fatal' }, hosts: hosts({ carbons: false }) })
  expect(await listed()).toBe(both.replace(`<feature var='urn:xmpp:carbons:2'/>`, ''))
  await s.server.reload({ log: { level: 'fatal' }, hosts: hosts({}) })
  expect(await listed()).toContain('urn:xmpp:carbons:2')
})

test('XEP-0388 §3: without TLS it is not offered, nor understood, even where passwords may go in clear', async () => {
  await using s = await scenario({ accounts: { romeo: [] }, modules: [] })
  const romeo = await opened(s)
  expect(romeo.mechanisms).toContain('PLAIN')
  expect(romeo.features.child('authentication', sasl2Ns)).toBeUndefined()
  expect(romeo.features.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')).toBeUndefined()
  expect(await error(romeo, plain())).toBe('not-authorized')
})

test('XEP-0388 §2.6.1: success tells the bare JID, features follow on the same stream, a resource is bound as ever', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  const success = await romeo.authenticate()
  expect(success.child('authorization-identifier')?.text).toBe('romeo@home.test')
  expect(romeo.features.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeDefined()
  expect(romeo.features.child('authentication', sasl2Ns)).toBeUndefined()
  expect(romeo.features.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')).toBeUndefined()
  await romeo.bind('phone')
  await romeo.sync()
})

test('XEP-0386 §3.2: one round trip from authenticate to a session that is used, here with PLAIN', async () => {
  await using s = await secure({})
  const romeo = await opened(s)
  const juliet = await opened(s, 'juliet')
  await juliet.authenticate(bind2())
  const request = plain(userAgent(phone), bind2(tag('AwesomeXMPP'), managed, xml('enable', 'urn:xmpp:carbons:2')))
  const hello = message({ to: juliet.jid, type: 'chat' }, xml('body', 'jabber:client', {}, 'hello'))
  const trace: string[] = []
  trace.push(
    `C: ${String(request).replace(/<initial-response>.*<.initial-response>/, '<initial-response>…</initial-response>')}`,
  )
  romeo.send(request)
  for (let i = 0; i < 2; i++) trace.push(`S: ${await romeo.next()}`)
  trace.push(`C: ${hello}`)
  romeo.send(hello)
  await juliet.awaits(`<message from='${romeo.jid}'><body>hello</body></message>`)
  await romeo.settled()
  if (process.env['TRACE']) console.log(trace.join('\n'))
  expect(trace.map((line) => line.slice(0, 2))).toEqual(['C:', 'S:', 'S:', 'C:'])
  const success = parse(trace[1]!.slice(3))
  expect(success.child('authorization-identifier')?.text).toMatch(/^romeo@home\.test\/AwesomeXMPP\/[\w-]{12}$/)
  const bound = success.child('bound', 'urn:xmpp:bind:0')!
  expect(String(bound.child('enabled', sm))).toMatch(/ resume='true' id='[\w-]{24}' max='\d+'/)
  expect(String(bound.child('metadata', 'urn:xmpp:mam:2'))).toBe(`<metadata xmlns='urn:xmpp:mam:2'/>`)
  const features = parse(trace[2]!.slice(3))
  expect(features.name).toBe('features')
  expect(features.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeUndefined()
})

test('XEP-0386 §3.2: carbons are on, and the client is inactive, from the first stanza', async () => {
  await using s = await secure({})
  const [juliet, other, romeo] = [await opened(s, 'juliet'), await opened(s), await opened(s)]
  await juliet.authenticate(bind2())
  await other.authenticate(bind2(xml('enable', 'urn:xmpp:carbons:2'), xml('inactive', 'urn:xmpp:csi:0')))
  await romeo.authenticate(bind2())
  romeo.says(`<message to='${juliet.jid}' type='chat'><body>hello</body></message>`)
  await other.awaits(`<message><sent xmlns='urn:xmpp:carbons:2'>…</sent></message>`)
  const session = [...s.server.sessions].find((one) => one.jid.equals(other.jid))!
  expect(session.get('csi')).toBe(true)
})

test('XEP-0386 §3.2: what the archive has waits no longer, and what it has not is handed over', async () => {
  await using s = await secure({})
  const juliet = await opened(s, 'juliet')
  await juliet.authenticate(bind2())
  juliet.says(`<message to='romeo@home.test' type='chat'><body>archived</body></message>`)
  juliet.says(
    `<message to='romeo@home.test' type='chat'><body>not archived</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>`,
  )
  await juliet.sync()
  const romeo = await opened(s)
  const success = await romeo.authenticate(bind2())
  const metadata = success.child('bound', 'urn:xmpp:bind:0')!.child('metadata', 'urn:xmpp:mam:2')!
  expect(metadata.child('end')?.attr('id')).toBeDefined()
  romeo.comes()
  await romeo.sync()
  const bodies = romeo.inbox.flatMap((stanza) => stanza.child('body')?.text ?? [])
  expect(bodies).toEqual(['not archived'])
})

test('XEP-0386 §3.2: a client that logs in again ends its older session, and nobody else’s', async () => {
  await using s = await secure()
  const [first, second, third] = [await opened(s), await opened(s), await opened(s)]
  await first.authenticate(userAgent(phone), bind2())
  await second.authenticate(userAgent('00000000-0000-4000-8000-000000000001'), bind2())
  await third.authenticate(userAgent(phone.toUpperCase()), bind2())
  await first.whenGone
  expect(first.streamError?.condition).toBe('conflict')
  expect([...s.server.sessions].map(({ jid }) => String(jid))).toEqual([String(second.jid), String(third.jid)])
  // The id is for the server alone.
  expect(String(third.jid)).not.toContain('d4565fa7')
})

test('XEP-0386 §3.2.1: a tag that a resource cannot begin with is left out', async () => {
  await using s = await secure()
  for (const text of ['\u0085', 'x'.repeat(1020), '']) {
    const romeo = await opened(s)
    await romeo.authenticate(bind2(tag(text)))
    expect(romeo.jid.resource).toMatch(/^[\w-]{12}$/)
  }
})

test('RFC 6120 §7.6.2.1: an account with too many resources is told, and can log in when there is room', async () => {
  await using s = await secure({ modules: [], config: { limits: { resourcesPerAccount: 1 } } })
  const [first, second] = [await opened(s), await opened(s)]
  await first.authenticate(bind2())
  expect(await failure(s, second, plain(bind2()))).toBe('temporary-auth-failure')
  await first.close()
  await second.authenticate(bind2())
})

test('XEP-0198 §9.2: a session is resumed with the login, nothing is lost or twice, and no resource is bound', async () => {
  await using s = await secure({})
  const [juliet, romeo] = [await opened(s, 'juliet'), await opened(s)]
  await juliet.authenticate(bind2())
  await romeo.authenticate(bind2(managed))
  const { jid, resumption } = romeo
  await romeo.cut()
  juliet.says(`<message to='${jid}' type='chat'><body>while away</body></message>`)
  await juliet.sync()
  // Another server on the same journal: what a kill leaves.
  s.crash()
  await s.start()
  await romeo.open()
  const resume = xml('resume', sm, { previd: resumption!.id, h: String(romeo.handled) })
  const success = await romeo.authenticate(resume, bind2(managed))
  expect(success.child('bound', 'urn:xmpp:bind:0')).toBeUndefined()
  expect(success.child('resumed', sm)?.attr('previd')).toBe(resumption!.id)
  expect(String(romeo.jid)).toBe(String(jid))
  await romeo.hears(`<message><body>while away</body></message>`)
  await romeo.hearsNothing()
  expect([...s.server.sessions].filter((one) => one.account.local === 'romeo')).toHaveLength(1)
})

test.each([
  ['of nobody', { previd: 'nobody', h: '0' }, 'item-not-found'],
  ['without a count', { previd: 'nobody' }, 'bad-request'],
])(
  'XEP-0198 §9.2.1: a resumption %s fails within the success, and a resource is bound',
  async (_, attrs, condition) => {
    await using s = await secure()
    const romeo = await opened(s)
    const success = await romeo.authenticate(xml('resume', sm, attrs), bind2(xml('enable', sm, { max: 'x' })))
    expect(success.child('failed', sm)?.first()?.name).toBe(condition)
    const bound = success.child('bound', 'urn:xmpp:bind:0')!
    expect(bound.child('failed', sm)?.first()?.name).toBe('bad-request')
    await romeo.sync()
  },
)

test('XEP-0198 §9.2: the session of another account is not resumed', async () => {
  await using s = await secure()
  const [juliet, romeo] = [await opened(s, 'juliet'), await opened(s)]
  await juliet.authenticate(bind2(managed))
  const success = await romeo.authenticate(xml('resume', sm, { previd: juliet.resumption!.id, h: '0' }), bind2())
  expect(success.child('failed', sm)?.first()?.name).toBe('item-not-found')
  await juliet.sync()
})

test('XEP-0388 §2.6.2: a failure leaves everything as it was, and nothing that was asked for is done', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  const wrong = (mechanism: string, text: string) => authenticate(mechanism, Buffer.from(text), bind2())
  expect(await failure(s, romeo, wrong('PLAIN', '\0romeo\0wrong'))).toBe('not-authorized')
  expect([...s.server.sessions]).toHaveLength(0)
  await romeo.authenticate(bind2())
})

const bad: readonly (readonly [what: string, element: Element, condition: string])[] = [
  ['no mechanism', xml('authenticate', sasl2Ns), 'invalid-mechanism'],
  ['an unknown mechanism', authenticate('FOO', Buffer.from('x')), 'invalid-mechanism'],
  [
    'no base64',
    parse(`<authenticate xmlns='${sasl2Ns}' mechanism='PLAIN'><initial-response>=</initial-response></authenticate>`),
    'incorrect-encoding',
  ],
  ['a user-agent that is no UUID', plain(xml('user-agent', sasl2Ns, { id: 'phone' })), 'malformed-request'],
  ['a response to nothing', xml('response', sasl2Ns, {}, 'AAAA'), 'malformed-request'],
  ['an unknown element', xml('next', sasl2Ns), 'malformed-request'],
  [
    'an authorization identity of somebody else',
    authenticate('PLAIN', Buffer.from('juliet@home.test\0romeo\0the wine is red')),
    'invalid-authzid',
  ],
  ['an abort of nothing', xml('abort', sasl2Ns), 'aborted'],
]

test.each(bad)('XEP-0388 §2.6.2: %s', async (_, element, condition) => {
  await using s = await secure()
  const romeo = await opened(s)
  expect(await failure(s, romeo, element)).toBe(condition)
  await romeo.authenticate(bind2())
})

test('XEP-0388 §4.5: an exchange is aborted, and another one begins', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  romeo.send(xml('authenticate', sasl2Ns, { mechanism: 'PLAIN' }))
  expect(String(await romeo.next())).toBe(`<challenge xmlns='urn:xmpp:sasl:2'/>`)
  expect(await failure(s, romeo, xml('abort', sasl2Ns))).toBe('aborted')
  await romeo.authenticate(bind2())
})

test('XEP-0388 §2.1, §2.3: who says in the header to be somebody else does not get in', async () => {
  await using s = await secure()
  const juliet = s.client('romeo', undefined, { from: 'juliet@home.test' })
  await juliet.open()
  expect(await failure(s, juliet, plain())).toBe('invalid-authzid')
  const romeo = s.client('romeo', undefined, { from: 'Romeo@home.test/phone' })
  await romeo.open()
  await romeo.authenticate(bind2())
  const stranger = s.client('romeo', undefined, { from: 'romeo@elsewhere.test' })
  await expect(stranger.open()).rejects.toMatchObject({ condition: 'invalid-from' })
})

test.each([
  ['a stanza', () => message({}, xml('body', 'jabber:client', {}, 'hi'))],
  ['another login', () => plain()],
  ['SASL1', () => xml('auth', 'urn:ietf:params:xml:ns:xmpp-sasl', { mechanism: 'PLAIN' })],
])('XEP-0388 §2.4: %s during an exchange ends the stream', async (_, element) => {
  await using s = await secure()
  const romeo = await opened(s)
  romeo.send(xml('authenticate', sasl2Ns, { mechanism: 'PLAIN' }))
  await romeo.next()
  expect(await error(romeo, element())).toBe('not-authorized')
})

test('RFC 6120 §6.4: an exchange of SASL1 is not gone on with by SASL2', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  romeo.send(xml('auth', 'urn:ietf:params:xml:ns:xmpp-sasl', { mechanism: 'PLAIN' }))
  await romeo.next()
  const response = xml('response', sasl2Ns, {}, Buffer.from('\0romeo\0the wine is red').toString('base64'))
  expect(await failure(s, romeo, response)).toBe('malformed-request')
})

test('XEP-0388 §4.8: once logged in, another login ends the stream, by whichever profile', async () => {
  await using s = await secure()
  const auth = xml('auth', 'urn:ietf:params:xml:ns:xmpp-sasl', { mechanism: 'PLAIN' }, 'AHJvbWVvAHg=')
  for (const [first, second] of [
    ['sasl2', plain()],
    ['sasl2', auth],
    ['sasl', plain()],
  ] as const) {
    const romeo = await opened(s)
    if (first === 'sasl') await romeo.login()
    else await romeo.authenticate(bind2())
    expect(await error(romeo, second)).toBe('not-authorized')
  }
})

test('RFC 6120 §4.9.3.14: an authenticate that is too large ends the stream', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  expect(await error(romeo, plain(bind2(tag('x'.repeat(20_000)))))).toBe('policy-violation')
})

test('RFC 6120 §6.4.5: attempts are counted and delayed as with SASL1', async () => {
  await using s = await secure({ modules: [], config: { limits: { authenticationAttempts: 3 } } })
  const romeo = await opened(s)
  const wrong = authenticate('PLAIN', Buffer.from('\0romeo\0wrong'))
  for (let i = 0; i < 3; i++) expect(await failure(s, romeo, wrong)).toBe('not-authorized')
  await romeo.whenGone
  expect(romeo.streamError?.condition).toBe('policy-violation')
})

test('RFC 5802 §6: a login is bound to its channel: who stands between does not get in', async () => {
  await using s = await secure()
  s.network.tls = channel('between the attacker and the server')
  const { bindings } = channel('between the client and the attacker')
  const romeo = s.client('romeo', undefined, {
    connect: async (events) => ({ ...(await s.connect(events)), bindings }),
  })
  await romeo.open()
  await expect(late(s, romeo.authenticate(bind2()))).rejects.toMatchObject({ condition: 'not-authorized' })
})

test('RFC 5802 §6: a client that is made to believe that there is no channel binding is told better', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  const believed = authenticate('SCRAM-SHA-256', Buffer.from('y,,n=romeo,r=abc'), bind2())
  expect(await failure(s, romeo, believed)).toBe('mechanism-too-weak')
})

test('XEP-0388 §2.6.1: an account that goes meanwhile does not get in', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  await s.server.hosts.get('home.test')!.accounts.remove(romeo.account)
  expect(await failure(s, romeo, plain(bind2()))).toBe('not-authorized')
})

test.each([
  ['a mechanism', 'SCRAM-SHA-512-PLUS'],
  ['a type of channel binding', 'tls-exporter'],
])('XEP-0474 §4.2: the client notices that somebody took %s away, with either profile', async (_, gone) => {
  await using s = await secure()
  const without = (element: Element): Element =>
    new Element(
      element.name,
      element.ns,
      element.attrs,
      element.children.flatMap((child): Node[] => {
        if (typeof child === 'string') return [child]
        return child.text === gone || child.attr('type') === gone ? [] : [without(child)]
      }),
    )
  const romeo = await opened(s)
  const { features } = romeo
  await romeo.authenticate()
  for (const login of ['authenticate', 'login'] as const) {
    const attacked = await opened(s)
    attacked.features = without(features)
    await expect(attacked[login]()).rejects.toMatchObject({ condition: 'aborted' })
  }
})
