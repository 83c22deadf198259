import type { Element, Iq, Jid, Payload } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { Accounts, Facts, Hooks, Place, Reply, Target } from '../module.ts'
import type { StreamFeature } from '../stream/features.ts'
import type { StreamHost } from '../stream/stream.ts'
import type { Awaitable } from '../world.ts'
import { Hook } from './hooks.ts'

interface Answer {
  readonly payload: Payload<any>
  readonly reply: Reply<any>
}

type Listener<K extends keyof Facts> = (about: Facts[K]) => Awaitable<void>

/** What is registered on one virtual host, found by name when a stanza passes. */
export class VirtualHost implements StreamHost {
  readonly domain: Jid
  readonly accounts: Accounts
  readonly allowsPlaintext: (address: string) => boolean
  readonly hooks: { readonly [K in keyof Hooks]: Hook<Hooks[K]> } = {
    'message:out': new Hook(),
    'message:in': new Hook(),
    'presence:out': new Hook(),
    'presence:in': new Hook(),
    'iq:out': new Hook(),
    'iq:in': new Hook(),
    'session:send': new Hook(),
  }
  readonly streamFeatures = new Set<StreamFeature>()
  /** Service discovery features with the number of those who announce them. */
  readonly features = { server: new Map<string, number>(), account: new Map<string, number>() }
  readonly #log: Logger
  readonly #answers = new Map<string, Answer>()
  readonly #listeners: { readonly [K in keyof Facts]: Set<Listener<K>> } = {
    'session:bound': new Set(),
    'session:gone': new Set(),
    'account:created': new Set(),
    'account:removed': new Set(),
  }

  constructor(domain: Jid, accounts: Accounts, log: Logger, allowsPlaintext: (address: string) => boolean) {
    this.#log = log
    this.domain = domain
    this.accounts = accounts
    this.allowsPlaintext = allowsPlaintext
  }

  /** Returns what takes it back. */
  answer<T>(type: 'get' | 'set', at: Place, payload: Payload<T>, reply: Reply<T>): () => void {
    const key = answerKey(type, at, payload.ns, payload.name)
    if (this.#answers.has(key)) throw new Error(`${key} is answered by another module`)
    this.#answers.set(key, { payload, reply })
    return () => void this.#answers.delete(key)
  }

  /** The payload of the result; `undefined` when nobody answers such a request. Throws the StanzaError of the answer. */
  reply(
    iq: Iq,
    at: Place,
    to: Jid,
    sender: Target | undefined,
  ): { readonly result: Awaitable<Element | void> } | undefined {
    const element = iq.first()!
    const answer = this.#answers.get(answerKey(iq.type!, at, element.ns, element.name))
    if (!answer) return undefined
    const payload = answer.payload.read(element)
    const from = iq.from!
    return { result: answer.reply({ iq, payload, from, to, sender, isOwn: from.bare.equals(to) }) }
  }

  /** Returns what takes it back. */
  on<K extends keyof Facts>(fact: K, listener: Listener<K>): () => void {
    this.#listeners[fact].add(listener)
    return () => void this.#listeners[fact].delete(listener)
  }

  /** Tells all listeners, also when one of them fails; a promise only when one of them waits. */
  tell<K extends keyof Facts>(fact: K, about: Facts[K]): Awaitable<void> {
    const waits: Promise<void>[] = []
    for (const listener of this.#listeners[fact]) {
      try {
        const wait = listener(about)
        if (wait instanceof Promise) waits.push(wait.catch((error: unknown) => this.#fault(error, fact)))
      } catch (error) {
        this.#fault(error, fact)
      }
    }
    if (waits.length > 0) return Promise.all(waits).then(() => undefined)
  }

  #fault(error: unknown, fact: string): void {
    this.#log.error({ err: error, fact }, 'a listener failed')
  }

  /** How much is registered, by kind. */
  get census(): Readonly<Record<string, number>> {
    const { features, streamFeatures } = this
    const hooks = Object.entries(this.hooks).map(([name, hook]) => [`hook ${name}`, hook.size] as const)
    const listeners = Object.entries(this.#listeners).map(([fact, set]) => [`fact ${fact}`, set.size] as const)
    return {
      ...Object.fromEntries([...hooks, ...listeners]),
      answers: this.#answers.size,
      streamFeatures: streamFeatures.size,
      serverFeatures: features.server.size,
      accountFeatures: features.account.size,
    }
  }

  /** Announces a service discovery feature; returns what takes it back. */
  feature(place: Place, name: string): () => void {
    const features = this.features[place]
    features.set(name, (features.get(name) ?? 0) + 1)
    return () => {
      const left = features.get(name)! - 1
      if (left > 0) features.set(name, left)
      else features.delete(name)
    }
  }
}

function answerKey(type: string, at: Place, ns: string, name: string): string {
  return `${type} ${at} {${ns}}${name}`
}
