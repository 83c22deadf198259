import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import type { Element } from '@jackdaw/xmpp'
import { onTestFinished } from 'vitest'
import { offline } from '../offline/offline.ts'
import { presence } from '../presence/presence.ts'
import { roster } from '../roster/roster.ts'
import { subscriptions } from '../subscriptions/subscriptions.ts'
import { ask, form } from './words.fixture.ts'
import { pubsub } from './pubsub.ts'

/** The service. */
export const at = 'pubsub.home.test'

/** Hamlet owns nodes, Francisco subscribes to them, Bernardo is a stranger. */
export async function opened(options: ScenarioOptions = {}) {
  const stage = await scenario({
    modules: [roster, subscriptions, presence, offline, pubsub],
    accounts: { hamlet: ['elsinore'], francisco: ['barracks'], bernardo: ['gate'] },
    ...options,
  })
  onTestFinished(() => stage.stop())
  for (const name of ['elsinore', 'barracks', 'gate']) {
    const client = stage[name] as Actor
    client.comes()
    await client.sync()
    client.clear()
  }
  const [elsinore, barracks, gate] = [stage['elsinore'], stage['barracks'], stage['gate']] as Actor[]
  return { stage, elsinore: elsinore!, barracks: barracks!, gate: gate! }
}

export function create(client: Actor, node: string, config?: Record<string, string | readonly string[]>) {
  const configure = config ? `<configure>${form('node_config', config)}</configure>` : ''
  return ask(client, 'set', at, `<create node='${node}'/>${configure}`)
}

export function publish(client: Actor, node: string, id: string, payload = "<entry xmlns='urn:entry'/>") {
  return ask(client, 'set', at, `<publish node='${node}'><item id='${id}'>${payload}</item></publish>`)
}

export function subscribe(client: Actor, node: string, jid = client.account.toString()): Promise<Element | undefined> {
  return ask(client, 'set', at, `<subscribe node='${node}' jid='${jid}'/>`)
}

/** The ids of the items that are given. */
export async function items(client: Actor, node: string, attributes = '', content = ''): Promise<string[]> {
  const answer = await ask(client, 'get', at, `<items node='${node}'${attributes}>${content}</items>`)
  return answer!
    .child('items')!
    .elements()
    .map((item) => item.attr('id')!)
}
