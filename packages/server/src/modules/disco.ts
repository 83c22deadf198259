import { DiscoInfo, discoInfoNs, DiscoItems, discoItemsNs, type Jid, StanzaError } from '@jackdaw/xmpp'
import { defineModule, type Place } from '../module.ts'
import { when } from '../when.ts'
import { roster } from './roster/roster.ts'

/** What a node of the server is; undefined for a node that it is not asked about. */
export type DescribeNode = (node: string) => DiscoInfo | undefined

/** Tells what the server and its accounts are and can do. */
export const disco = defineModule({
  name: 'disco',
  xeps: ['XEP-0030 2.5.0'],
  needs: [roster],
  features: { server: [discoInfoNs, discoItemsNs], account: [discoInfoNs, discoItemsNs] },
  start(host) {
    const { rosters } = host.use(roster)
    const describers = new Set<DescribeNode>()

    const describe = (place: Place, type: string): DiscoInfo => ({
      identities: [place === 'server' ? { category: 'server', type, name: 'Jackdaw' } : { category: 'account', type }],
      features: [...host.features(place)],
      forms: [],
    })
    const server = () => describe('server', 'im')

    host.answer('get', 'server', DiscoInfo, ({ payload: { node } }) => {
      if (node === undefined) return DiscoInfo.write(server())
      for (const describer of describers) {
        const info = describer(node)
        // §3.2: the answer names the node.
        if (info) return DiscoInfo.write({ ...info, node })
      }
      throw unknownNode(node)
    })

    host.answer('get', 'server', DiscoItems, ({ payload: { node } }) => {
      if (node !== undefined) throw unknownNode(node)
      return DiscoItems.write({ items: [...host.services()].map(({ domain, name }) => ({ jid: domain, name })) })
    })

    host.answer('get', 'account', DiscoInfo, ({ payload: { node }, to, from }) =>
      when(rosters.isSubscribed(to, from), (mayKnow) => {
        // §8, RFC 6121 §8.5.1: the same for an account that does not exist.
        if (!mayKnow) throw new StanzaError('service-unavailable')
        if (node !== undefined) throw unknownNode(node)
        return when(host.accounts.exists(to), (exists) =>
          DiscoInfo.write(describe('account', exists ? 'registered' : 'anonymous')),
        )
      }),
    )

    host.answer('get', 'account', DiscoItems, ({ payload: { node }, to, from }) =>
      when(rosters.isSubscribed(to, from), (mayKnow) => {
        // §8: nothing, as of an account that does not exist.
        if (!mayKnow) return DiscoItems.write({ node, items: [] })
        if (node !== undefined) throw unknownNode(node)
        return DiscoItems.write({ items: available(to) })
      }),
    )

    function available(account: Jid) {
      return [...host.sessions(account)].filter((session) => session.isAvailable).map(({ jid }) => ({ jid }))
    }

    return {
      /** What is told of the server itself. */
      server,
      /** Lets a module say what nodes of the server are; returns what ends that. */
      onNode(describer: DescribeNode): () => void {
        describers.add(describer)
        return () => describers.delete(describer)
      },
    }
  },
})

function unknownNode(node: string): StanzaError {
  return new StanzaError('item-not-found', `There is no node ${node}`)
}
