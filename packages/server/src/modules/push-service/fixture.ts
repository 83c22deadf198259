import { type KeyObject, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createSecureServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Actor, scenario, turn } from '@jackdaw/testkit'
import { Command, fieldValues } from '@jackdaw/xmpp'
import { onTestFinished } from 'vitest'
import { selfSigned } from '../../transport/self-signed.ts'
import { modules } from '../modules.ts'
import { http2Outbound } from './http2-outbound.ts'
import { httpOutbound } from '../../outbound/outbound.ts'
import { definePushService, pushService } from './push-service.ts'

export const appSecret = 'a secret of the app'

interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Stands in for a push service of the Internet: notes what it gets, and answers what it is told to. */
export async function standIn(options: { readonly isSecure?: boolean; readonly isHttp2?: boolean } = {}) {
  const received: Received[] = []
  const state = { answer: (response) => void response.writeHead(201).end() } as {
    answer: (response: ServerResponse, received: Received) => void
  }
  const listener: RequestListener = (request, response) =>
    void buffer(request).then((body) => {
      const one = { method: request.method!, path: request.url!, headers: request.headers, body }
      received.push(one)
      state.answer(response, one)
    })
  const { certificate, key } = await selfSigned('localhost', Date.now())
  const tls = { cert: certificate, key }
  const server = options.isHttp2
    ? // Only the types differ.
      createHttp2Server(tls, listener as never)
    : options.isSecure
      ? createSecureServer(tls, listener)
      : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    server,
    received,
    state,
    port,
    certificate,
    url: `http${options.isSecure || options.isHttp2 ? 's' : ''}://localhost:${port}`,
  }
}

/** A host with a push service for the app `news`, and an app's server that asks it. */
export async function stage(
  app: Record<string, unknown>,
  more: Record<string, unknown> = {},
  reached: { ca?: string; origin?: string } = {},
) {
  const { ca, origin = 'https://localhost:1' } = reached
  const service = definePushService({
    http: httpOutbound(ca),
    http2: http2Outbound(ca),
    origins: { apns: origin, apnsSandbox: origin, fcm: origin },
  })
  const s = await scenario({
    accounts: { juliet: ['phone'], romeo: ['desk'] },
    modules: modules.map((one) => (one === pushService ? service : one)),
    config: {
      hosts: {
        'home.test': {
          modules: {
            'push-service': { apps: { news: { secret: appSecret, ...app } }, networks: ['loopback'], ...more },
          },
        },
      },
    },
  })
  onTestFinished(() => s.stop())
  const phone = s.clients['phone'] as Actor

  async function ask(method: string, path: string, body?: unknown, secret = appSecret, key = 'news') {
    const authorization = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const init = { method, headers: { authorization }, ...(text !== undefined && { body: text }) }
    const response = await s.network.http(new Request(`https://home.test/push/${path}`, init))
    const answer = await response.text()
    return { status: response.status, headers: response.headers, json: answer === '' ? undefined : JSON.parse(answer) }
  }

  async function deliveries(message: string) {
    const { json } = await ask('GET', `messages/${message}`)
    return json.deliveries as {
      delivery: string
      registration: string
      state: string
      reason?: string
      attempts: number
    }[]
  }

  return {
    s,
    phone,
    desk: s.clients['desk'] as Actor,
    ask,
    deliveries,
    async register(given: Record<string, unknown>): Promise<{ registration: string; secret: string }> {
      const { status, json } = await ask('POST', 'registrations', given)
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(json)}`)
      return json
    },
    /** Resolves with the id of the message. */
    async send(to: Record<string, unknown>, content: Record<string, unknown> = { body: 'hi' }): Promise<string> {
      const { status, json } = await ask('POST', 'messages', { to, ...content })
      if (status !== 202) throw new Error(`${status} ${JSON.stringify(json)}`)
      return json.message
    },
    /** Resolves with the deliveries of a message when all of them are as wanted. */
    async when(message: string, is: (one: { state: string; attempts: number }) => boolean) {
      for (;;) {
        const found = await deliveries(message)
        if (found.every(is)) return found
        await turn()
      }
    },
    /** The same while time passes, slowly enough for answers to come in time. */
    async settled(message: string) {
      for (;;) {
        const found = await deliveries(message)
        if (found.every(isSettled)) return found
        for (let i = 0; i < 50; i++) await turn()
        await s.clock.advance(5000)
      }
    },
    /** An app registers by XMPP. */
    async registerBy(client: Actor, fields: Record<string, string | readonly string[]>) {
      const written = Object.entries(fields).map(
        ([name, value]) =>
          `<field var='${name}'>${[value]
            .flat()
            .map((one) => `<value>${one}</value>`)
            .join('')}</field>`,
      )
      const answer = await client.asks(
        `<iq type='set' to='push.home.test'><command xmlns='http://jabber.org/protocol/commands' node='urn:jackdaw:push:0#register'><x xmlns='jabber:x:data' type='submit'>${written.join('')}</x></command></iq>`,
      )
      const { form } = Command.read(answer.first()!)
      const value = (name: string) => fieldValues(form!, name)![0]!
      return { jid: value('jid'), node: value('node'), secret: value('secret') }
    },
  }
}

export const isSettled = ({ state }: { state: string }) => state !== 'queued'

/** The claims and the header of a token, once its signature has been checked. */
export function checkedJwt(
  token: string,
  key: KeyObject,
): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [head = '', body = '', signature = ''] = token.split('.')
  const signed = Buffer.from(`${head}.${body}`)
  if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
    throw new Error('the signature is another one')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(head), claims: read(body) }
}
