import { blockingNs, iq, Jid, xml } from '@jackdaw/xmpp'
import type { Seeded } from '@jackdaw/testkit'
import type { Told } from './events.ts'
import type { User } from './user.ts'

const unwelcome = ['iago', 'edmund', 'claudius', 'goneril', 'regan']

/** Whom an account blocks (XEP-0191); one of its sessions decides. */
export class Blocklist {
  readonly owner: User
  readonly name: string
  #sent = 0

  constructor(owner: User) {
    this.owner = owner
    this.name = `blocked ${owner.jid.bare}`
  }

  /** §3.3, §3.4 */
  change(chance: Seeded): void {
    const jid = Jid.of({ local: chance.one(unwelcome), domain: this.owner.jid.domain }).toString()
    const isBlocked = chance.chance(0.6)
    const id = `b${this.owner.number}-${++this.#sent}`
    const [added, removed] = isBlocked ? [[jid], []] : [[], [jid]]
    const told: Told = { kind: 'listed', session: this.owner.number, id, list: this.name, added, removed }
    const change = xml(isBlocked ? 'block' : 'unblock', blockingNs, {}, xml('item', blockingNs, { jid }))
    this.owner.send(iq({ type: 'set', id }, change), id, told)
  }

  /** §3.2 */
  async read(): Promise<readonly string[] | undefined> {
    const answer = await this.owner.ask('get', xml('blocklist', blockingNs))
    return answer
      ?.child('blocklist', blockingNs)
      ?.elements()
      .map((item) => item.attr('jid') ?? '')
  }
}
