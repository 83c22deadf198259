import {
  DiscoInfo,
  discoInfoNs,
  type DiscoItem,
  DiscoItems,
  discoItemsNs,
  type Form,
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
  /** What a node is; undefined for one that it does not have, or does not show to whoever asks. */
  info(account: Jid, from: Jid, node: string): Awaitable<DiscoInfo | undefined>
  /** What it has, or what a node of it has. */
  items(account: Jid, from: Jid, node: string | undefined): Awaitable<readonly DiscoItem[] | undefined>
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

    const describe = (place: Place, type: string, account?: Jid): DiscoInfo => ({
      identities: [place === 'server' ? { category: 'server', type, name: 'Jackdaw' } : { category: 'account', type }],
      features: host.features(place, account),
      forms: place === 'server' ? [...forms] : [],
    })
    let told: DiscoInfo | undefined
    const server = () => {
      if (told?.features !== host.features('server')) told = withParts(describe('server', 'im'))
      return told
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
              DiscoInfo.write(withParts(describe('account', exists ? 'registered' : 'anonymous', to))),
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

    function withParts(info: DiscoInfo): DiscoInfo {
      return { ...info, identities: [...info.identities, ...[...parts].map(({ identity }) => identity)] }
    }

    /** The first part's answer that there is to a question about a node. */
    function first<T>(
      node: string | undefined,
      ask: (part: AccountPart) => Awaitable<T | undefined>,
      [part, ...others]: readonly AccountPart[] = [...parts],
    ): Awaitable<T | undefined> {
      if (node === undefined || !part) return undefined
      return when(ask(part), (answer) => answer ?? first(node, ask, others))
    }

    /** What all parts have; undefined when none has anything to say. */
    function gather(
      ask: (part: AccountPart) => Awaitable<readonly DiscoItem[] | undefined>,
      [part, ...others]: readonly AccountPart[] = [...parts],
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
    }
  },
})

function unknownNode(node: string): StanzaError {
  return new StanzaError('item-not-found', `There is no node ${node}`)
}
