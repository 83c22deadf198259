import { Command, commandsNs, type Jid } from '@jackdaw/xmpp'
import { defineModule } from '../../module.ts'
import { disco } from '../disco.ts'
import { type AdHocCommand, describeCommand, listCommands, perform } from './ad-hoc.ts'

/** The commands of a module as they are for one who asks; each has a node of its own. */
export type CommandsFor = (from: Jid) => readonly AdHocCommand[]

/** Lets modules offer commands of the server, with forms that any client shows. */
export const commands = defineModule({
  name: 'commands',
  xeps: ['XEP-0050 1.3.0'],
  needs: [disco],
  features: { server: [commandsNs] },
  start(host) {
    const offers = new Set<CommandsFor>()
    const all = (from: Jid) => [...offers].flatMap((offer) => offer(from))

    host.answer('set', 'server', Command, ({ payload, from }) => perform(all(from), payload, host.random))
    host.onStop(
      host.use(disco).onNodes({
        info: (node, from) => describeCommand(all(from), node),
        items: (node, from) => (node === commandsNs ? listCommands(all(from), host.domain) : undefined),
      }),
    )

    return {
      /** Returns what takes them back. */
      offer(commandsFor: CommandsFor): () => void {
        offers.add(commandsFor)
        return () => offers.delete(commandsFor)
      },
    }
  },
})
