import { afterAll, beforeAll, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { Gate } from './gate.ts'
import { Peer, portFor } from './peer.ts'

const password = 'wherefore-art-thou'
let server: Jackdaw
let gate: Gate
let romeo: Peer
let juliet: Peer

const peer = (name: string, port: number, sasl2: boolean) =>
  new Peer('@xmpp/client', {
    jid: `${name}@localhost/tag`,
    password,
    transport: 'starttls',
    port,
    certificate: server.certificate,
    sasl2,
  })

beforeAll(async () => {
  server = await Jackdaw.start()
  await Promise.all(['romeo', 'juliet'].map((name) => server.addUser(`${name}@localhost`, password)))
  gate = await Gate.open(portFor(server, 'starttls'))
  romeo = peer('romeo', gate.port, true)
  juliet = peer('juliet', portFor(server, 'starttls'), false)
})

afterAll(async () => {
  await Promise.all([romeo, juliet].map((one) => one?.end()))
  gate?.close()
  await server?.stop()
})

test('XEP-0388, XEP-0386: @xmpp/client logs in by SCRAM, binds behind its tag and has stream management with it', async () => {
  romeo.do({ do: 'connect' })
  juliet.do({ do: 'connect' })
  expect(await romeo.hears({ is: 'authenticating' })).toMatchObject({ mechanism: 'SCRAM-SHA-1' })
  const { jid } = (await romeo.hears({ is: 'online' })) as { jid: string } & Awaited<ReturnType<Peer['hears']>>
  expect(jid).toMatch(/^romeo@localhost\/tag\/[\w-]{12}$/)
  await juliet.hears({ is: 'online' })
  for (const one of [romeo, juliet]) one.do({ do: 'presence', status: 'here' })
  juliet.says(romeo, 'hello')
  await romeo.hears({ is: 'message', body: 'hello' })
})

test('XEP-0484, XEP-0198 §9.2: @xmpp/client resumes with its login, by its token, after its connection broke', async () => {
  gate.cut()
  await comesBack('after a cut')
})

test('XEP-0484, XEP-0198 §9.2: @xmpp/client resumes with its login, by its token, after kill -9 of the server', async () => {
  await server.kill()
  await juliet.hears({ is: 'offline' })
  await server.start()
  await juliet.hears({ is: 'resumed' })
  await comesBack('after a kill')
})

async function comesBack(body: string): Promise<void> {
  await romeo.hears({ is: 'offline' })
  // It was given a token with its first login.
  await romeo.hears({ is: 'authenticating', mechanism: 'HT-SHA-256-NONE' })
  await romeo.hears({ is: 'resumed' })
  romeo.says(juliet, body)
  await juliet.hears({ is: 'message', body })
}
