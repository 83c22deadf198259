import { createHash } from 'node:crypto'
import {
  type Config,
  configFrom,
  createServer,
  MemoryJournalStore,
  type Module,
  modules,
  type Server,
} from '@jackdaw/server'
import { Jid, type ScramCrypto, type Stanza } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { Life } from '../clock.ts'
import { scramCrypto } from '../crypto.ts'
import { Device, type DeviceWorld } from './device.ts'
import { KillableJournal } from './killable-journal.ts'
import { Model } from './model.ts'
import type { ModelSession } from './model-state.ts'
import { FaultyNetwork } from './network.ts'
import { observer, type Taken } from './observer.ts'
import { acquaint, pause, type Stage, step } from './script.ts'
import { Seeded } from './seeded.ts'
import { judge } from './verdict.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SimulationOptions {
  readonly seed: number
  /** How many things are done (100). */
  readonly steps?: number
  /** Run besides those of the server: to break a rule on purpose. */
  readonly modules?: readonly Module[]
  /** A server that dies takes so many of the last batches of its journal with it: to break a promise on purpose. */
  readonly forgets?: number
  /** Told each line of the trace: what was written on which link at what time (ms since the beginning), and what was done. */
  readonly onTrace?: (line: string) => void
}

/** A rule that did not hold; `at` in milliseconds since the beginning. */
export interface Violation {
  readonly rule: string
  readonly what: string
  readonly at: number
}

export interface SimulationRun {
  readonly seed: number
  /** SHA-256 of every byte written on every link, with its time. */
  readonly trace: string
  readonly violations: readonly Violation[]
  /** Of messages, and of the server's deaths. */
  readonly counts: {
    readonly stanzas: number
    readonly heard: number
    readonly crashes: number
    readonly resumptions: number
  }
}

const password = 'the wine is red'
const salt = new Uint8Array(16).fill(1)
/** Default of the configuration's `resumption.time`. */
const resumeTime = 600_000
/** After how many batches the journal begins a new part. */
const partBatches = 50
const cast = ['romeo@home.test', 'juliet@home.test', 'nurse@other.test', 'tybalt@other.test', 'mercutio@home.test']
const domains = new Set(cast.map((jid) => Jid.parse(jid).domain))
const rooms = ['balcony', 'chamber', 'orchard']

function configWith(more: readonly Module[]): Config {
  const hosts = Object.fromEntries([...domains].map((domain) => [domain, { plaintext: true }]))
  const listen = { xmpp: 5222, xmpps: false, http: false, https: false } as const
  return configFrom({ hosts, listen }, [observer(() => {}), ...modules, ...more])
}

const ordinary = configWith([])

/** Runs a whole server with its clients and its network from one seed, and judges what the clients saw. */
export async function simulate(options: SimulationOptions): Promise<SimulationRun> {
  const simulation = new Simulation(options)
  return simulation.run()
}

class Simulation implements DeviceWorld, Stage {
  readonly #options: SimulationOptions
  readonly #clock = new VirtualClock()
  readonly #start = this.#clock.now()
  readonly #config: Config
  #store = new MemoryJournalStore(partBatches)
  readonly #hash = createHash('sha256')
  readonly #serverChance: Seeded
  readonly #violations: Violation[] = []
  readonly #model: Model
  readonly network: FaultyNetwork
  readonly chance: Seeded
  readonly password = password
  readonly crypto: ScramCrypto
  readonly accounts: readonly Jid[]
  readonly devices: readonly Device[]
  #taken: Taken[] = []
  #server: Server | undefined
  #life: Life | undefined
  #journal: KillableJournal | undefined
  #isCreating = true
  #lastId = 0
  #crashes = 0
  #resumptions = 0
  #stanzas = 0

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#config = options.modules ? configWith(options.modules) : ordinary
    this.chance = new Seeded(options.seed)
    this.#serverChance = this.chance.fork()
    const clientChance = this.chance.fork()
    this.crypto = { ...scramCrypto, random: (size) => clientChance.bytes(size) }
    this.network = new FaultyNetwork(this.#clock, this.chance.fork(), (link, direction, text) =>
      this.#trace(`${link} ${direction} ${text}`),
    )
    this.accounts = cast.slice(0, this.chance.whole(2, cast.length)).map((jid) => Jid.parse(jid))
    this.#model = new Model(domains, this.accounts, () => this.#clock.now())
    this.devices = this.accounts.flatMap((account) =>
      rooms.slice(0, this.chance.one([1, 2, 2, 3])).map((room) => new Device(account.withResource(room), this)),
    )
  }

  async run(): Promise<SimulationRun> {
    const { seed, steps = 100 } = this.#options
    await this.#live()
    for (const device of this.devices) device.connect()
    await this.#clock.advance(1000)
    acquaint(this)
    await this.#clock.advance(500)
    for (let i = 0; i < steps; i++) {
      step(this)
      await this.#clock.advance(pause(this.chance))
    }
    await this.#quiet()
    judge(this.#model, this.devices, this.complain)
    this.#kill()
    const heard = this.devices
      .flatMap(({ accounts }) => accounts)
      .reduce((sum, account) => sum + account.heard.length, 0)
    const counts = { stanzas: this.#stanzas, heard, crashes: this.#crashes, resumptions: this.#resumptions }
    return { seed, trace: this.#hash.digest('hex'), violations: this.#violations, counts }
  }

  // For the devices

  session(jid: Jid): ModelSession | undefined {
    return this.#model.session(jid)
  }

  readonly complain = (rule: string, what: string): void => {
    this.#violations.push({ rule, what, at: this.#clock.now() - this.#start })
    this.#options.onTrace?.(`${this.#clock.now() - this.#start} !!! ${rule}: ${what}`)
  }

  nextId(): string {
    return String(++this.#lastId)
  }

  #trace(line: string): void {
    const timed = `${this.#clock.now() - this.#start} ${line}\n`
    this.#hash.update(timed)
    this.#options.onTrace?.(timed.trimEnd())
  }

  // The server's lives

  async #live(): Promise<void> {
    const life = new Life(this.#clock)
    this.#life = life
    // A dead server may have promises that go on for a while; nobody hears them.
    const see = observer((taken) => {
      if (this.#life === life) this.#taken.push(taken)
    })
    const journal = new KillableJournal(
      this.#store,
      () => this.#kept(),
      () => this.#die(),
    )
    this.#journal = journal
    const server = await this.#clock.through(
      createServer(this.#config, {
        clock: life,
        network: this.network,
        journalStore: journal,
        random: this.#serverChance,
        modules: [see, ...modules, ...(this.#options.modules ?? [])],
        log: pino({ level: 'error' }, { write: (line) => this.#logged(line) }),
        crypto: {
          ...scramCrypto,
          hash: (name, bytes) => scramCrypto.hash(name, bytes) as Uint8Array,
          hmac: (name, key, bytes) => scramCrypto.hmac(name, key, bytes) as Uint8Array,
          // With one salt for all, the keys of the one password are derived once.
          random: (size) => (this.#isCreating ? salt.subarray(0, size) : this.#serverChance.bytes(size)),
          equal: (a, b) => Buffer.compare(a, b) === 0,
        },
      }),
    )
    if (this.#isCreating)
      for (const account of this.accounts) await server.hosts.get(account.domain)!.accounts.create(account, password)
    this.#isCreating = false
    if (this.#life !== life) return
    this.#server = server
    await server.start()
  }

  #logged(line: string): void {
    const { msg, err } = JSON.parse(line) as { msg: string; err?: { stack: string } }
    // The disk is full at times; and what is being passed on when the server stops waits.
    if (msg.startsWith('the journal cannot be written')) return
    if (!this.#server && msg === 'messages could not be passed on and wait') return
    this.complain('no error in the log', `${msg} ${err?.stack}`)
  }

  crash(): void {
    const when = this.chance.weighted({ 'after a commit': 4, 'before a commit': 3, now: 2 })
    this.#trace(`the server dies ${when}`)
    if (when === 'now') this.#die()
    else if (this.#journal) this.#journal.death = when
  }

  restart(): void {
    const server = this.#server
    const life = this.#life
    if (!server) return
    this.#trace('the server is stopped')
    this.#server = undefined
    const die = () => {
      if (this.#life === life) this.#die()
    }
    // It may be that nothing can be kept at the end: that is said, and what was not acknowledged is gone.
    void server.stop().then(die, die)
  }

  fillDisk(): void {
    this.#trace('the disk is full')
    const store = this.#store
    store.failure = new Error('ENOSPC')
    this.#clock.after(this.chance.whole(1, 8000), () => (store.failure = undefined))
  }

  #die(): void {
    if (!this.#life) return
    this.#crashes++
    this.#kill()
    this.#clock.after(this.chance.whole(1, 3000), () => void this.#live())
  }

  #kill(): void {
    this.#life?.end()
    this.#journal?.end()
    this.#life = this.#journal = this.#server = undefined
    this.#taken = []
    this.#model.died()
    this.network.crash()
    this.#forget()
  }

  #forget(): void {
    const { forgets } = this.#options
    if (!forgets) return
    const batches = [...this.#store.read(0)].slice(0, -forgets)
    this.#store = new MemoryJournalStore(partBatches)
    for (const [, batch] of batches) this.#store.append(batch)
  }

  // What it has done

  /** A batch has been kept: what was handled until now has come to pass. What still waits for something does not count yet. */
  #kept(): void {
    this.#model.passedOn()
    const waiting = new Map<Taken, string>()
    for (const taken of this.#taken) {
      const { jid, handled } = taken.session
      const key = jid.toString()
      const session = this.#model.session(jid)
      if (taken.kind === 'bound') this.#model.bound(jid)
      else if (!session) this.complain('a session for each stanza', key)
      else if (taken.kind === 'gone') {
        for (const [other, whose] of waiting) if (whose === key) waiting.delete(other)
        this.#ended(session, taken.undelivered)
      } else if (session.handled >= handled) waiting.set(taken, key)
      else this.#took(session, taken.stanza)
    }
    this.#taken = [...waiting.keys()]
  }

  #took(session: ModelSession, stanza: Stanza): void {
    this.#stanzas++
    const account = this.#accountOf(session)
    const sent = account?.sent[session.handled]
    if (stanza.id !== sent)
      this.complain('RFC 6120 §10.1: order', `${stanza.id} of ${session.jid.toString()} was handled, ${sent} was next`)
    this.#model.took(session, stanza)
  }

  #ended(session: ModelSession, undelivered: readonly Stanza[]): void {
    const device = this.devices.find(({ jid }) => jid.equals(session.jid))!
    const { account, lostAt } = device
    if (account.model === session && account.isManaged && !account.isLeft) {
      if (lostAt === undefined || this.#clock.now() - lostAt < resumeTime)
        this.complain('XEP-0198 §5: a session lives until its time is over', session.jid.toString())
    }
    const own = this.#accountOf(session)
    if (own) own.undelivered = undelivered.filter(({ name }) => name === 'message').map(({ id }) => id ?? '')
    this.#model.ended(session, undelivered)
  }

  #accountOf(session: ModelSession) {
    const device = this.devices.find(({ jid }) => jid.equals(session.jid))!
    return device.accounts.find(({ model }) => model === session)
  }

  // The end

  /** Everybody comes back and becomes available, and all that is on its way arrives. */
  async #quiet(): Promise<void> {
    this.#trace('quiet')
    this.#store.failure = undefined
    const come = async (isDone: () => boolean) => {
      for (let i = 0; i < 100 && !isDone(); i++) {
        for (const device of this.devices) {
          device.connect()
          if (device.state === 'online') device.requestAcknowledgement()
        }
        await this.#clock.advance(2000)
      }
    }
    const isQuiet = () =>
      this.devices.every(
        ({ state, unacknowledged, lostAt }) => state === 'online' && unacknowledged === 0 && lostAt === undefined,
      )
    await come(isQuiet)
    for (const device of this.devices) if (!device.isWilling) device.appear(0)
    await this.#clock.advance(3000)
    await come(isQuiet)
    for (const device of this.devices) device.readArchive()
    await this.#clock.advance(10_000)
    await come(isQuiet)
    await this.#clock.advance(3000)
    if (!isQuiet()) this.complain('quiet', 'not everybody comes back')
  }
}
