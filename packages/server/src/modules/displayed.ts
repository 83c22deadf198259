import {
  Displayed,
  displayedAssistNs,
  displayedId,
  displayedNs,
  type Jid,
  jidValue,
  type Message,
  parse,
  type StanzaId,
  withoutDisplayed,
} from '@jackdaw/xmpp'
import { defineModule, type Passage } from '../module.ts'
import type { Awaitable } from '../world.ts'
import { inbox } from './inbox/inbox.ts'
import type { Mark } from './inbox/marks.ts'
import { pubsub } from './pubsub/pubsub.ts'

/** XEP-0490 §4.2, §8: who makes the node makes it so. */
const config = {
  access_model: 'whitelist',
  max_items: 'max',
  persist_items: true,
  send_last_published_item: 'never',
} as const

/** What a client says that it has displayed, and where that stands. */
interface Assisted {
  readonly displayed: StanzaId
  readonly mark: Mark | undefined
}

/** All resources of an account know what has been displayed on one of them: by XEP-0490, by XEP-0333, and to its inbox. */
export const displayed = defineModule({
  name: 'displayed',
  xeps: ['XEP-0490 1.0.1'],
  needs: [inbox, pubsub],
  features: { account: [displayedAssistNs] },
  start(host) {
    const conversations = host.use(inbox)
    const nodes = host.use(pubsub)
    const assisted = new WeakMap<Passage<Message>, Assisted>()
    // What is published for the inbox, or was told to it already, is not told to it again.
    let isOurs = false

    // What has to be read for publishing is read first.
    host.hook('message:out', 'check', (passage) => {
      const { stanza } = passage
      const account = stanza.from!.bare
      if (stanza.type === 'error') return
      const element = stanza.child(Displayed.name, Displayed.ns)
      if (element) return prepare(passage, account, Displayed.read(element))
      if (displayedId(stanza) !== undefined) return warm(account)
    })

    // §5.2: before anybody else sees it.
    host.hook('message:out', 'stamp', (passage) => {
      passage.stanza = withoutDisplayed(passage.stanza)
    })

    host.hook('message:out', 'store', (passage) => {
      const found = assisted.get(passage)
      if (!found) return
      const { to, from } = passage.stanza
      const account = from!.bare
      const conversation = to ?? account
      publish(account, conversation, found.displayed)
      read(account, conversation, found.mark)
    })

    // XEP-0333: clients that know markers alone are in step as well.
    const stopReading = conversations.onRead(({ account, other, id, passage }) => {
      if (!isOurs && !(passage && assisted.has(passage))) publish(account, other.bare, id)
    })
    host.onStop(stopReading)

    const stopWatching = nodes.watch({
      published({ service, node, id, payload }) {
        if (isOurs || node !== displayedNs || service.local === undefined || payload === '') return
        learn(service, id, payload).catch((error: unknown) =>
          host.log.debug({ err: error }, 'a displayed item says nothing'),
        )
      },
    })
    host.onStop(stopWatching)

    async function prepare(passage: Passage<Message>, account: Jid, value: StanzaId): Promise<void> {
      const conversation = passage.stanza.to ?? account
      const mark = await find(account, conversation, value)
      await warm(account)
      assisted.set(passage, { displayed: value, mark })
    }

    /** §4.2: published by a client. Both are opaque (§5.2): what makes no sense reads nothing. */
    async function learn(account: Jid, id: string, payload: string): Promise<void> {
      const value = Displayed.read(parse(payload))
      const conversation = jidValue(id)
      read(account, conversation, await find(account, conversation, value))
    }

    function read(account: Jid, conversation: Jid, mark: Mark | undefined): void {
      if (!mark) return
      isOurs = true
      conversations.read(account, conversation, mark)
      isOurs = false
    }

    function find(account: Jid, conversation: Jid, { id, by }: StanzaId): Awaitable<Mark | undefined> {
      if (by.equals(account)) return conversations.find(account, conversation, id)
      return by.equals(conversation.bare) ? conversations.findInRoom(account, conversation, id) : undefined
    }

    function publish(account: Jid, conversation: Jid, value: StanzaId): void {
      isOurs = true
      try {
        const item = { id: conversation.toString(), payload: Displayed.write(value) }
        const published = nodes.publish(account, displayedNs, item, config)
        if (published instanceof Promise) published.catch(failed)
      } catch (error) {
        failed(error)
      }
      isOurs = false
    }

    function failed(error: unknown): void {
      host.log.warn({ err: error }, 'what was displayed could not be published')
    }

    function warm(account: Jid): Promise<void> | undefined {
      const found = nodes.config(account, displayedNs)
      return found instanceof Promise ? found.then(() => undefined) : undefined
    }
  },
})
