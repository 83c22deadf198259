import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Channels, type Follower } from './channels.ts'
import { moments } from './die-at-commit.ts'
import type { SessionNumber, Told, TortureEvent } from './events.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts, KillableServer } from './killable-server.ts'
import { connectors } from './line.ts'
import { Seeded } from '@jackdaw/testkit'
import { archiveOf } from './readables.ts'
import { Readings } from './readings.ts'
import { User, type World } from './user.ts'
import { atMost, until } from './waiting.ts'

export interface TortureOptions {
  readonly kills: number
  readonly sessions: number
  /** Messages a second, of all sessions together. */
  readonly rate: number
  readonly seed: number
  /** False: the server keeps everything in memory only. */
  readonly journal?: boolean | undefined
  /** Without kills: how long messages are sent. */
  readonly seconds?: number | undefined
  /** Whether connections are lost without a kill, too. */
  readonly losses?: boolean | undefined
  readonly modules?: Readonly<Record<string, boolean>> | undefined
  readonly onKill?: (kill: number, how: string) => void
}

export interface TortureRun {
  readonly events: readonly TortureEvent[]
  readonly seconds: number
  /** Of the last server process: processor milliseconds while messages were sent, and MiB resident at their end. */
  readonly cpu: number
  readonly memory: number
  /** How long each start took until the server listened, milliseconds. */
  readonly starts: readonly number[]
  /** How often the journal was found to end in a batch that was half written. */
  readonly torn: number
  /** What servers logged as errors. */
  readonly errors: readonly string[]
}

/** One account in so many has two sessions. */
const pairs = 5
const contactsInGroup = 4
/** Of so many accounts the archive is read at the end. */
const archivesRead = 40
const filler = 'It is the east, and Juliet is the sun. Arise, fair sun, and kill the envious moon. '.repeat(4)

/** Has clients send messages while their server is killed again and again; what they saw is for the checker. */
export async function torture(options: TortureOptions): Promise<TortureRun> {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-torture-'))
  const run = new Torture(options, data, await freePorts(3))
  try {
    return await run.run()
  } finally {
    await run.stop()
    await rm(data, { recursive: true, force: true })
  }
}

class Torture {
  readonly #options: TortureOptions
  readonly #server: KillableServer
  readonly #channels: Channels
  readonly #readings = new Readings((event) => this.#tell(event))
  /** What is read while work goes on. */
  readonly #looks: Promise<void>[] = []
  readonly #events: TortureEvent[] = []
  readonly #users: User[] = []
  readonly #byAccount = new Map<string, User[]>()
  /** Kills and messages draw from different sources, so that how fast the one goes does not alter the other. */
  readonly #kills: Seeded
  readonly #talk: Seeded
  readonly #looking: Seeded
  readonly #began = performance.now()

  constructor(options: TortureOptions, data: string, [xmpp, xmpps, http]: readonly number[]) {
    this.#options = options
    const domain = 'localhost'
    const password = 'the wine is red'
    const ports = { xmpp: xmpp!, xmpps: xmpps!, http: http! }
    this.#kills = new Seeded(options.seed)
    this.#talk = new Seeded(options.seed + 1)
    this.#looking = new Seeded(options.seed + 3)
    const numbers = new Map<string, number>()
    const world: World = {
      domain,
      password,
      chance: new Seeded(options.seed + 2),
      connectors: connectors(ports, domain),
      generation: () => this.#server.generation,
      tell: (event) => this.#tell(event),
      sessionOf: (jid) => numbers.get(jid),
      elsewhere: (session, stanza) => this.#channels.hear(session, stanza),
    }
    for (let number = 0; number < options.sessions; number++) {
      // Every fifth session is the second of the account before it.
      const account = `u${number % pairs === pairs - 1 ? number - 1 : number}`
      const user = new User(number, account, world)
      numbers.set(user.jid.toString(), number)
      this.#users.push(user)
      const others = this.#byAccount.get(account)
      if (others) others.push(user)
      else this.#byAccount.set(account, [user])
    }
    const talkative = this.#users.filter(({ number }) => number % 2 === 0)
    for (const user of talkative) user.stays = true
    this.#channels = new Channels({
      users: talkative,
      strangers: this.#users.filter((user) => this.#accountOf(user).every(({ stays }) => !stays)),
      followers: this.#followers(talkative),
      domain,
      readings: this.#readings,
      until: (isSo) => until(isSo, 60_000),
      tell: (event) => this.#tell(event),
    })
    const accounts = [...this.#byAccount.keys()]
    const { journal = true, modules } = options
    this.#server = new KillableServer({ data, ports, domain, accounts, password, journal, modules })
  }

  async run(): Promise<TortureRun> {
    const { kills, seconds = 0, losses = true } = this.#options
    this.#server.start()
    await this.#server.ready
    await Promise.all(this.#users.map((user) => user.arrive(this.#accountOf(user).length > 1)))
    await this.#befriend()
    await this.#channels.open()
    const sending = this.#send()
    const losing = losses ? this.#lose() : undefined
    const cpuBefore = this.#server.cpu()
    await delay(seconds * 1000)
    for (let kill = 1; kill <= kills; kill++) await this.#kill(kill)
    if (kills > 0) await this.#allOnline()
    clearInterval(losing)
    clearInterval(sending)
    const cpu = this.#server.cpu() - (kills > 0 ? 0 : cpuBefore)
    await this.#drain()
    const archives = [...this.#byAccount.values()].slice(0, archivesRead)
    await atMost(60_000, this.#readings.read(archives.map(archiveOf)))
    await atMost(90_000, this.#channels.read())
    return {
      events: this.#events,
      seconds: (performance.now() - this.#began) / 1000,
      cpu,
      memory: this.#server.memory(),
      starts: this.#server.starts,
      torn: this.#server.logged(40).filter((line) => line.includes('half written')).length,
      errors: this.#server.logged(50),
    }
  }

  async stop(): Promise<void> {
    for (const user of this.#users) user.stop()
    await this.#server.kill()
  }

  #tell(event: Told): void {
    this.#events.push({ ...event, at: performance.now() - this.#began })
  }

  /** Groups of four accounts in which each sees the presence of all. */
  async #befriend(): Promise<void> {
    const accounts = [...this.#byAccount.values()]
    const waits: Promise<void>[] = []
    for (const [index, account] of accounts.entries()) {
      const contacts = this.#contactsOf(accounts, index)
      for (const contact of contacts) {
        account[0]!.subscribe(contact[0]!.jid.bare)
        for (const { number: session } of account)
          for (const { number } of contact) this.#tell({ kind: 'befriended', session, contact: number })
      }
      waits.push(until(() => account[0]!.approvedBy.size === contacts.length, 30_000))
    }
    await Promise.all(waits)
  }

  #contactsOf(accounts: readonly User[][], index: number): User[][] {
    const first = index - (index % contactsInGroup)
    return accounts.slice(first, first + contactsInGroup).filter((other) => other !== accounts[index])
  }

  /** XEP-0163 §4.3: who hears of the nodes of those users' accounts. */
  #followers(users: readonly User[]): Follower[] {
    const accounts = [...this.#byAccount.values()]
    return users.map((owner) => {
      const index = accounts.indexOf(this.#byAccount.get(owner.jid.local!)!)
      const listeners = [accounts[index]!, ...this.#contactsOf(accounts, index)].flat()
      return { owner, listeners: listeners.filter(({ stays }) => stays) }
    })
  }

  /** Sends at the rate, from anybody to anybody, half of it to contacts' accounts and sessions near by. */
  #send(): NodeJS.Timeout {
    const { rate } = this.#options
    let last = performance.now()
    let due = 0
    return setInterval(() => {
      const now = performance.now()
      due += ((now - last) * rate) / 1000
      last = now
      for (; due >= 1; due--) this.#sendOne()
    }, 20)
  }

  #sendOne(): void {
    const chance = this.#talk
    const user = chance.one(this.#users)
    const own = this.#accountOf(user)
    const dice = chance.next()
    if (dice < 0.02) return user.isOut ? user.comeIn() : user.announce()
    if (dice < 0.025 && !user.stays && own.length === 1 && !user.isOut) {
      user.stepOut()
      setTimeout(() => user.comeIn(), chance.whole(100, 3000))
      return
    }
    if (dice < 0.08) return this.#channels.act(chance, filler.slice(0, chance.whole(2, 300)))
    if (dice < 0.1) return user.regret(chance)
    const partner = chance.chance(0.5)
      ? chance.one(this.#users)
      : this.#users[(user.number + chance.whole(1, 3)) % this.#users.length]!
    const theirs = this.#accountOf(partner)
    if (theirs === own) return
    const text = filler.slice(0, chance.whole(2, 300))
    const isToAccount = chance.chance(0.25)
    const to = isToAccount ? theirs : [partner]
    const copies = [...own, ...theirs].filter((other) => other !== user && !to.includes(other))
    user.message(isToAccount ? partner.jid.bare : partner.jid, to.map(numberOf), copies.map(numberOf), text)
    if (chance.chance(0.3)) user.requestAcknowledgement()
  }

  #accountOf(user: User): readonly User[] {
    return this.#byAccount.get(user.jid.local!)!
  }

  /** Every second one connection in a hundred is lost by itself. */
  #lose(): NodeJS.Timeout {
    return setInterval(() => {
      for (const user of this.#users) if (this.#talk.chance(0.003)) user.lose()
    }, 100)
  }

  async #kill(kill: number): Promise<void> {
    const chance = this.#kills
    const dice = kill === 1 ? 0 : chance.next()
    let how = 'at work'
    if (dice < 0.7) {
      await this.#allOnline()
      this.#looks.push(this.#look())
      await delay(chance.whole(100, 1200))
    } else if (dice < 0.82) {
      how = 'while it starts'
      await delay(chance.whole(0, 1000))
    } else {
      how = 'while its clients come back'
      await this.#server.ready
      await delay(chance.whole(0, 300))
    }
    if (how !== 'while it starts' && chance.chance(0.5)) {
      const moment = chance.one(moments)
      how += `, in a commit (${moment})`
      await this.#server.killAtCommit(moment)
    } else await this.#server.kill()
    this.#tell({ kind: 'killed', generation: this.#server.generation })
    this.#options.onKill?.(kill, how)
    this.#server.start()
  }

  /** What was acknowledged before the last kill must be there, though work goes on. */
  async #look(): Promise<void> {
    const account = this.#looking.one([...this.#byAccount.values()])
    await Promise.all([this.#readings.read([archiveOf(account)]), this.#channels.look(this.#looking)])
  }

  async #allOnline(): Promise<void> {
    await this.#server.ready
    // Who came first may have gone again: all at one moment are not needed.
    await atMost(60_000, Promise.all(this.#users.map((user) => user.online())))
  }

  /** Everything sent is handled, everything handled has come. */
  async #drain(): Promise<void> {
    for (const user of this.#users) user.comeIn()
    await atMost(60_000, Promise.all([this.#channels.settle(), ...this.#looks]))
    await atMost(30_000, Promise.all(this.#users.map((user) => user.settle())))
    await atMost(10_000, Promise.all(this.#users.map((user) => user.roster())))
  }
}

function numberOf({ number }: User): SessionNumber {
  return number
}
