import { capsText, DiscoInfo } from '@jackdaw/xmpp'
import { createHash } from 'node:crypto'
import { leaveAll, type Link, type LoadClient, loginMany } from '../load.ts'
import { pause } from '../processes.ts'
import { Loop } from './loop.ts'
import { Rounds } from './rounds.ts'
import { befriend } from './presence.ts'
import type { Work } from './work.ts'

const node = 'urn:bench:mood'
const info: DiscoInfo = {
  identities: [{ category: 'client', type: 'bot', name: 'bench' }],
  features: ['http://jabber.org/protocol/disco#info', `${node}+notify`],
  forms: [],
}
const ver = createHash('sha1').update(capsText(info)).digest('base64')
const caps = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:bench' ver='${ver}'/>`

/**
 * Users who all see one another's presence and want to hear of a node (XEP-0163 §4) publish at theirs, each again when all have heard. Each
 * item must come in order; it is counted once. `cpu`: µs of the server for one, the publisher's own included.
 */
export function pep(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes) {
      const { contacts } = sizes
      await befriend(peer, contacts, link)
      const clients = await loginMany(peer, 0, contacts, link)
      const loop = new Loop(contacts)
      const rounds = new Rounds(loop, contacts, contacts, (user, number) =>
        clients[user]!.say(
          `<iq type='set' id='item'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'><item id='current'><mood xmlns='${node}'>mood ${user} ${number}</mood></item></publish></pubsub></iq>`,
        ),
      )
      for (const client of clients) listen(client, () => {})
      // Servers find out what the others can do, and some take note of it with the next presence only.
      for (let time = 0; time < 2; time++) {
        for (const client of clients) client.say(`<presence>${caps}</presence>`)
        await pause(1000)
      }
      for (const client of clients) {
        const hear = rounds.listener()
        const last = new Map<string, string>()
        listen(client, (stanza) => {
          const [, user, number] = (stanza.startsWith('<message') && />mood (\d+) (\d+)</.exec(stanza)) || []
          // Peers repeat the last item to who has just come; that is no news.
          if (user === undefined || number === undefined || last.get(user) === number) return
          last.set(user, number)
          hear(Number(user), Number(number))
        })
      }
      rounds.begin()
      const figures = await loop.measure(peer, sizes)
      await leaveAll(clients)
      return figures
    },
  }
}

/** Answers who asks what the client can do. */
function listen(client: LoadClient, take: (stanza: string) => void): void {
  client.listen((stanza) => {
    if (!stanza.startsWith('<iq') || !/ type=['"]get['"]/.test(stanza)) return take(stanza)
    const [id, from] = ['id', 'from'].map((name) => new RegExp(` ${name}=['"]([^'"]*)`).exec(stanza)?.[1])
    const asked = / node=['"]([^'"]*)/.exec(stanza)?.[1]
    client.say(`<iq type='result' id='${id}' to='${from}'>${DiscoInfo.write({ ...info, node: asked })}</iq>`)
  })
}
