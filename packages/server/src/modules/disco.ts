import {
  DiscoInfo,
  discoInfoNs,
  type DiscoItem,
  DiscoItems,
  discoItemsNs,
  type Form,
  formType,
  type Identity,
  type Jid,
  StanzaError,
} from '@jackdaw/xmpp'
import { defineModule, type Place } from '../module.ts'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { roster } from './roster/roster.ts'

/** Nodes of the server; undefined for one that it does not have. */
export interface ServerNodes {
  info(node: string, from: Jid): DiscoInfo | undefined
  items?(node: string, from: Jid): readonly DiscoItem[] | undefined
}

/** What a module has at accounts. It decides itself who may know: before it is asked, nothing has been looked at but the request. */
export interface AccountPart {
  /** Of the accounts, and of the server that has them. */
  readonly identity: Identity
  /** Its namespace: where that is delegated, nothing is told of what it has itself. */
  readonly ns: string
  /** What a node is; undefined for one that it does not have, or does not show to whoever asks. */
  info(account: Jid, from: Jid, node: string): Awaitable<DiscoInfo | undefined>
  /** What it has, or what a node of it has. */
  items(account: Jid, from: Jid, node: string | undefined): Awaitable<readonly DiscoItem[] | undefined>
}

/** What others answer in the host's place, and what they want told of it (XEP-0355 §7.2). */
export interface Nesting {
  /** Whether nothing is theirs. */
  readonly isEmpty: boolean
  /** Whether a namespace is theirs. */
  isDelegated(ns: string): boolean
  nested(place: Place): readonly DiscoInfo[]
}

/** Tells what the server and its accounts are and can do. */
export const disco = defineModule({
  name: 'disco',
  xeps: ['XEP-0030 2.5.0'],
  needs: [roster],
  features: { server: [discoInfoNs, discoItemsNs], account: [discoInfoNs, discoItemsNs] },
  start(host) {
    const { rosters } = host.use(roster)
    const nodes = new Set<ServerNodes>()
    const parts = new Set<AccountPart>()
    const forms = new Set<Form>()
    let nesting: Nesting | undefined

    function describe(place: Place, own: Identity, account?: Jid): DiscoInfo {
      const nested = nesting?.nested(place) ?? []
      const features = host.features(place, account).filter((name) => !isDelegated(name))
      const described = place === 'server' ? [...forms].filter((form) => !isDelegated(formType(form) ?? '')) : []
      return {
        identities: [own, ...ownParts().map(({ identity }) => identity), ...nested.flatMap((info) => info.identities)],
        features: [...new Set([...features, ...nested.flatMap((info) => info.features)])],
        forms: [...described, ...nested.flatMap((info) => info.forms)],
      }
    }
    const describeServer = () => describe('server', { category: 'server', type: 'im', name: 'Jackdaw' })
    let told: DiscoInfo | undefined
    let toldOf: readonly string[] | undefined
    const server = (): DiscoInfo => {
      const features = host.features('server')
      if (toldOf !== features) told = undefined
      toldOf = features
      if (!nesting || nesting.isEmpty) return (told ??= describeServer())
      // What others say changes without a word.
      told = undefined
      return describeServer()
    }
    const added = <T>(to: Set<T>, one: T): (() => void) => {
      to.add(one)
      told = undefined
      return () => {
        to.delete(one)
        told = undefined
      }
    }

    host.answer('get', 'server', DiscoInfo, ({ payload: { node }, from }) => {
      if (node === undefined) return DiscoInfo.write(server())
      for (const those of nodes) {
        const info = those.info(node, from)
        // §3.2: the answer names the node.
        if (info) return DiscoInfo.write({ ...info, node })
      }
      throw unknownNode(node)
    })

    host.answer('get', 'server', DiscoItems, ({ payload: { node }, from }) => {
      if (node === undefined)
        return DiscoItems.write({ items: [...host.services()].map(({ domain, name }) => ({ jid: domain, name })) })
      for (const those of nodes) {
        const items = those.items?.(node, from)
        if (items) return DiscoItems.write({ node, items })
      }
      throw unknownNode(node)
    })

    host.answer('get', 'account', DiscoInfo, ({ payload: { node }, to, from }) =>
      when(
        first(node, (part) => part.info(to, from, node!)),
        (info) => {
          if (info) return DiscoInfo.write({ ...info, node })
          return when(rosters.isSubscribed(to, from), (mayKnow) => {
            // §8, RFC 6121 §8.5.1: the same for an account that does not exist.
            if (!mayKnow) throw new StanzaError('service-unavailable')
            if (node !== undefined) throw unknownNode(node)
            return when(host.accounts.exists(to), (exists) =>
              DiscoInfo.write(
                describe('account', { category: 'account', type: exists ? 'registered' : 'anonymous' }, to),
              ),
            )
          })
        },
      ),
    )

    host.answer('get', 'account', DiscoItems, ({ payload: { node }, to, from }) =>
      when(
        gather((part) => part.items(to, from, node)),
        (items) => {
          if (items && node !== undefined) return DiscoItems.write({ node, items })
          return when(rosters.isSubscribed(to, from), (mayKnow) => {
            // §8: nothing, as of an account that does not exist.
            if (!mayKnow) return DiscoItems.write({ node, items: items ?? [] })
            if (node !== undefined) throw unknownNode(node)
            return DiscoItems.write({ items: [...available(to), ...(items ?? [])] })
          })
        },
      ),
    )

    /** Whether a feature, or a type of forms, belongs to a namespace that others answer. */
    function isDelegated(name: string): boolean {
      return nesting !== undefined && (nesting.isDelegated(name) || nesting.isDelegated(name.split('#', 1)[0]!))
    }

    function ownParts(): AccountPart[] {
      return [...parts].filter(({ ns }) => !isDelegated(ns))
    }

    /** The first part's answer that there is to a question about a node. */
    function first<T>(
      node: string | undefined,
      ask: (part: AccountPart) => Awaitable<T | undefined>,
      [part, ...others]: readonly AccountPart[] = ownParts(),
    ): Awaitable<T | undefined> {
      if (node === undefined || !part) return undefined
      return when(ask(part), (answer) => answer ?? first(node, ask, others))
    }

    /** What all parts have; undefined when none has anything to say. */
    function gather(
      ask: (part: AccountPart) => Awaitable<readonly DiscoItem[] | undefined>,
      [part, ...others]: readonly AccountPart[] = ownParts(),
    ): Awaitable<readonly DiscoItem[] | undefined> {
      if (!part) return undefined
      return when(ask(part), (items) =>
        when(gather(ask, others), (more) => (items || more) && [...(items ?? []), ...(more ?? [])]),
      )
    }

    function available(account: Jid) {
      return [...host.sessions(account)].filter((session) => session.isAvailable).map(({ jid }) => ({ jid }))
    }

    return {
      /** What is told of the server itself: the same object until that changes. */
      server,
      /** More about the server (XEP-0128); returns what takes it back. */
      addForm: (form: Form) => added(forms, form),
      /** Lets a module say what nodes of the server are; returns what ends that. */
      onNodes: (those: ServerNodes) => added(nodes, those),
      /** Adds to what accounts have; returns what ends that. */
      onAccount: (part: AccountPart) => added(parts, part),
      /** Whether accounts have a node, of those that the one who asks may see. */
      hasNode(about: 'info' | 'items', account: Jid, from: Jid, node: string): Awaitable<boolean> {
        const found: Awaitable<unknown> =
          about === 'info'
            ? first(node, (part) => part.info(account, from, node))
            : gather((part) => part.items(account, from, node))
        return when(found, (one) => one !== undefined)
      },
      /** Lets others answer in the host's place; returns what ends that. */
      nest(others: Nesting): () => void {
        nesting = others
        told = undefined
        return () => {
          nesting = undefined
          told = undefined
        }
      },
    }
  },
})

function unknownNode(node: string): StanzaError {
  return new StanzaError('item-not-found', `There is no node ${node}`)
}
