import { request } from 'node:https'
import { once } from 'node:events'
import { Jid, UploadRequest, write } from '@jackdaw/xmpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HostileServer, password } from '../hostile/hostile-server.ts'
import { Peer } from '../hostile/peer.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secrets = {
  password,
  chosen: 'wherefore-art-thou',
  set: 'what-light-through-yonder',
  invitation: 'abcdefghijkmnpqrstuvwxyz234',
  bearer: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl',
  app: 'a-secret-of-the-shop',
}

let server: HostileServer

beforeAll(async () => {
  const apps = { shop: { secret: secrets.app, http: true } }
  server = await HostileServer.start(['romeo'], {
    log: { level: 'trace' },
    hosts: { localhost: { modules: { register: true, 'push-service': { apps } } } },
    limits: { authenticationDelay: 0 },
  })
})

afterAll(() => server.stop())

/** What the server has ever said or heard that nobody else may know must not be in its log, however talkative that is. */
test('secrets are not logged, not even at the level trace', async () => {
  const said = new Set<string>(Object.values(secrets))
  const romeo = await Peer.connect('tls', server.ports, 'romeo')
  await romeo.reach('header')
  const iq = (id: string, payload: string) =>
    romeo.write(`<iq type='set' id='${id}' xmlns='jabber:client'>${payload}</iq>`)
  iq('preauth', `<preauth xmlns='urn:xmpp:pars:0' token='${secrets.invitation}'/>`)
  await romeo.hears('iq error')
  const fields = `<username>juliet</username><password>${secrets.chosen}</password>`
  iq('register', `<query xmlns='jabber:iq:register'>${fields}</query>`)
  await romeo.hears('iq result #register')
  romeo.write(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='OAUTHBEARER'>${base64(`n,,\u0001auth=Bearer ${secrets.bearer}\u0001\u0001`)}</auth>`,
  )
  await romeo.hears('failure')
  romeo.forget()
  said.add(base64(`\0romeo\0${password}`))
  romeo.write(
    `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>${base64(`\0romeo\0${password}`)}</initial-response><user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/><request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/><bind xmlns='urn:xmpp:bind:0'/></authenticate>`,
  )
  const success = await romeo.hears('success')
  const token = success!.child('token', 'urn:xmpp:fast:0')!.attr('token')!
  said.add(token)
  await romeo.hears('features')
  romeo.forget()
  iq('command', commandWith(secrets.set))
  await romeo.hears('iq error')
  iq(
    'change',
    `<query xmlns='jabber:iq:register'><username>romeo</username><password>${secrets.set}</password></query>`,
  )
  await romeo.hears('iq result #change')
  romeo.forget()
  const slot = UploadRequest.write({ filename: 'a.txt', size: 5, purpose: 'message' })
  romeo.write(
    `<iq type='get' id='slot' to='${Jid.parse('upload.localhost')}' xmlns='jabber:client'>${write(slot)}</iq>`,
  )
  const put = (await romeo.hears('iq result #slot'))!.first()!.child('put')!.attr('url')!
  const { pathname, search } = new URL(put)
  said.add(search.slice(1)).add(pathname.split('/')[3]!)
  expect(await status('PUT', pathname + search, 'hello')).toBe(201)
  expect(await status('GET', pathname)).toBe(200)
  expect(await status('POST', `/invite/${secrets.invitation}`, `password=${secrets.chosen}`)).toBe(404)
  expect(await status('GET', '/push/messages', undefined, `Basic ${base64(`shop:${secrets.app}x`)}`)).toBe(401)
  expect(await status('GET', '/push/messages', undefined, `Basic ${base64(`shop:${secrets.app}`)}`)).toBe(200)
  romeo.vanish()
  const lines = server.log.split('\n')
  expect(lines.filter((line) => line.includes('"level":10'))).not.toEqual([])
  for (const secret of said)
    for (const form of [secret, base64(secret), encodeURIComponent(secret)])
      expect(lines.filter((line) => line.includes(form))).toEqual([])
})

function commandWith(secret: string): string {
  const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
  const form = `<x xmlns='jabber:x:data' type='submit'>${field('accountjid', 'romeo@localhost')}${field('password', secret)}</x>`
  const node = 'http://jabber.org/protocol/admin#change-user-password'
  return `<command xmlns='http://jabber.org/protocol/commands' node='${node}'>${form}</command>`
}

async function status(method: string, path: string, body?: string, authorization?: string): Promise<number> {
  const headers = { ...(authorization !== undefined && { authorization }), host: `localhost:${server.ports.https}` }
  const asked = request({
    host: '127.0.0.1',
    port: server.ports.https,
    path,
    method,
    headers,
    agent: false,
    rejectUnauthorized: false,
  })
  asked.end(body)
  const [response] = await once(asked, 'response')
  response.resume()
  return response.statusCode
}
