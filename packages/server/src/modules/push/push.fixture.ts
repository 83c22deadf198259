import { type Actor, scenario, type ScenarioOptions, turn } from '@jackdaw/testkit'
import {
  clientNs,
  fieldValues,
  parse,
  PushNotification,
  type PushSummary,
  PubsubRequest,
  Stanza,
  StanzaError,
} from '@jackdaw/xmpp'
import { onTestFinished } from 'vitest'
import { defineModule } from '../../module.ts'
import { modules } from '../modules.ts'

/** What a push service was told. */
export interface Told extends PushSummary {
  readonly from: string
  readonly node: string
  readonly secret?: string | undefined
}

/** A push service at gateway.home.test, which answers as `answers` says. */
export function gateway() {
  const told: Told[] = []
  let waiting: (() => void)[] = []
  let send: (text: string) => void
  const state = { answer: undefined as StanzaError | Promise<void> | undefined }
  const module = defineModule({
    name: 'gateway',
    start(host) {
      const service = host.serve('gateway', { name: 'Gateway' })
      service.answer('set', 'domain', PubsubRequest, ({ payload, iq }) => {
        if (payload.verb !== 'publish') throw new StanzaError('bad-request')
        const secret = payload.options && fieldValues(payload.options, 'secret')?.[0]
        const summary = PushNotification.read(payload.items[0]!.payload!)
        told.push({ from: String(iq.from), node: payload.node, ...(secret && { secret }), ...summary })
        for (const wake of waiting) wake()
        waiting = []
        if (state.answer instanceof StanzaError) throw state.answer
        return state.answer
      })
      send = (text) => host.send(Stanza.from(parse(text.replace('<message', `<message xmlns='${clientNs}'`))))
    },
  })
  return {
    module,
    told,
    state,
    send: (text: string) => send(text),
    /** Resolves with what has been told when it is so much, and has been answered. */
    async hears(count: number): Promise<Told[]> {
      while (told.length < count) await new Promise<void>((resolve) => void waiting.push(resolve))
      for (let i = 0; i < 3; i++) await turn()
      return told
    },
  }
}

export const enable = (node = 'n1', form = '') =>
  `<iq type='set'><enable xmlns='urn:xmpp:push:0' jid='gateway.home.test' node='${node}'>${form}</enable></iq>`
export const disable = (attrs = '') =>
  `<iq type='set'><disable xmlns='urn:xmpp:push:0' jid='gateway.home.test' ${attrs}/></iq>`
export const secret = (value: string) =>
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>${value}</value></field></x>`

/** Juliet's phone, whose service is enabled; Romeo writes to her. */
export async function night(options: ScenarioOptions = {}, push: Record<string, unknown> = {}) {
  const service = gateway()
  const s = await scenario({
    accounts: { romeo: ['desk'], juliet: ['phone', 'laptop'] },
    modules: [...modules, service.module],
    resume: true,
    config: { hosts: { 'home.test': { modules: { push } } } },
    ...options,
  })
  onTestFinished(() => s.stop())
  const { desk, phone, laptop } = s.clients as Record<string, Actor>
  phone!.comes()
  await phone!.asks(enable())
  return Object.assign(s, { service, desk: desk!, phone: phone!, laptop: laptop! })
}

export type Night = Awaited<ReturnType<typeof night>>

let last = 0
/** Romeo says something to Juliet. */
export async function says(s: Night, content: string, to = 'juliet@home.test', type = 'chat'): Promise<void> {
  s.desk.says(`<message to='${to}' type='${type}' id='w${++last}'>${content}</message>`)
  await s.desk.sync()
}

export const body = (text: string) => `<body>${text}</body>`
