import { Client, type Connect } from '@jackdaw/testkit'
import { message, xml } from '@jackdaw/xmpp'
import { domain, password } from './hostile-server.ts'

/** The time from one message of a user to its next, milliseconds. */
const pace = 50

/** Two ordinary users who keep talking: numbered messages, both ways. */
export class Chat {
  readonly #users: readonly [Speaker, Speaker]
  #timer: NodeJS.Timeout | undefined

  private constructor(users: readonly [Speaker, Speaker]) {
    this.#users = users
  }

  static async start(romeo: Connect, juliet: Connect): Promise<Chat> {
    const users = [new Speaker('romeo', romeo), new Speaker('juliet', juliet)] as const
    for (const user of users) await user.client.connect()
    const chat = new Chat(users)
    chat.#timer = setInterval(() => {
      users[0].speak(users[1])
      users[1].speak(users[0])
    }, pace)
    return chat
  }

  /** How many messages were sent so far. */
  get sent(): number {
    return this.#users[0].sent + this.#users[1].sent
  }

  /** Everything that went wrong. */
  get faults(): readonly string[] {
    return this.#users.flatMap(({ faults }) => faults)
  }

  /** The longest that a message was on its way, milliseconds. */
  get slowest(): number {
    return Math.max(...this.#users.map(({ slowest }) => slowest))
  }

  /** Ends the talk once all that was sent has been heard. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const [romeo, juliet] = this.#users
    await Promise.all([romeo.hasHeard(juliet.sent), juliet.hasHeard(romeo.sent)])
    for (const { client } of this.#users) await client.close()
  }
}

class Speaker {
  readonly client: Client
  readonly faults: string[] = []
  readonly #sentAt: number[] = []
  #heard = 0
  slowest = 0
  #isStopping = false
  #whenHeard: (() => void) | undefined

  constructor(name: string, connect: Connect) {
    this.client = new Client({
      jid: `${name}@${domain}/chat`,
      password,
      connect,
      onStanza: (stanza) => {
        if (stanza.name !== 'message') return false
        this.#hear(stanza.attr('type') === 'chat' ? stanza.child('body')!.text : `an answer: ${stanza}`)
        return true
      },
      onGone: () => {
        if (!this.#isStopping) this.faults.push(`${name} lost the connection: ${this.client.streamError?.condition}`)
      },
    })
  }

  get sent(): number {
    return this.#sentAt.length
  }

  speak(to: Speaker): void {
    const body = `${this.#sentAt.length} ${Date.now()}`
    this.#sentAt.push(Date.now())
    this.client.send(message({ to: to.client.jid, type: 'chat' }, xml('body', 'jabber:client', {}, body)))
  }

  /** Resolves when that many have come, and nothing more is to be wondered at. */
  async hasHeard(count: number): Promise<void> {
    this.#isStopping = true
    while (this.#heard < count) await new Promise<void>((resolve) => (this.#whenHeard = resolve))
  }

  #hear(text: string): void {
    const [number, at] = text.split(' ').map(Number)
    if (number !== this.#heard) this.faults.push(`'${text}' came in place of number ${this.#heard}`)
    else this.slowest = Math.max(this.slowest, Date.now() - at!)
    this.#heard++
    this.#whenHeard?.()
  }
}
