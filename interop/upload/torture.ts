import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Seeded, tcp } from '@jackdaw/testkit'
import { Jid, UploadRequest, UploadSlot } from '@jackdaw/xmpp'
import { moments } from '../torture/die-at-commit.ts'
import { freePorts, KillableServer } from '../torture/killable-server.ts'
import { readBooks } from './books.ts'
import { Content } from './content.ts'
import { UploadedFile } from './file.ts'

export interface UploadTortureOptions {
  readonly kills: number
  /** Files at once. */
  readonly parallel: number
  /** Bytes of each. */
  readonly size: number
  readonly seed: number
  readonly onRound?: (round: number, how: string) => void
}

export interface UploadTortureRun {
  readonly seconds: number
  readonly kills: number
  readonly put: number
  readonly broken: number
  readonly acknowledged: number
  readonly removed: number
  /** Files that the server had kept when it died before it could say so. */
  readonly unheard: number
  readonly bytes: number
  /** MiB resident: before the first file, and at most while they came. */
  readonly memory: { readonly before: number; readonly most: number }
  readonly violations: readonly string[]
  /** What servers logged as errors. */
  readonly errors: readonly string[]
}

const domain = 'upload.test'
const service = Jid.parse(`upload.${domain}`)
const password = 'pencil'
const filesOfAccount = 10
/** The share of files that break off by themselves. */
const breaking = 0.3

/** Has clients put, break off, read and remove files while their server is killed again and again; after each kill the store and the disk must agree. */
export async function tortureUploads(options: UploadTortureOptions): Promise<UploadTortureRun> {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-upload-torture-'))
  const torture = new UploadTorture(options, data, await freePorts(3))
  try {
    return await torture.run()
  } finally {
    await torture.stop()
    await rm(data, { recursive: true, force: true })
  }
}

class UploadTorture {
  readonly #options: UploadTortureOptions
  readonly #random: Seeded
  readonly #content: Content
  readonly #data: string
  readonly #ports: { readonly xmpp: number; readonly xmpps: number; readonly http: number }
  readonly #server: KillableServer
  readonly #clients: Client[]
  readonly #violations: string[] = []
  readonly #counts = { put: 0, broken: 0, acknowledged: 0, removed: 0, unheard: 0, bytes: 0 }
  #files: UploadedFile[] = []
  readonly #memory = { before: 0, most: 0 }

  constructor(options: UploadTortureOptions, data: string, [xmpp, xmpps, http]: number[]) {
    this.#options = options
    this.#random = new Seeded(options.seed)
    this.#content = new Content(this.#random.fork())
    this.#data = data
    this.#ports = { xmpp: xmpp!, xmpps: xmpps!, http: http! }
    const accounts = Array.from({ length: Math.ceil(options.parallel / filesOfAccount) }, (_, i) => `user${i}`)
    const modules = { upload: { url: 'https://files.test', quota: '1024 GiB', maxFileSize: '1 GiB' } }
    this.#server = new KillableServer({ data, ports: this.#ports, domain, accounts, password, journal: true, modules })
    const connect = tcp(this.#ports.xmpp)
    this.#clients = accounts.map((name) => new Client({ jid: `${name}@${domain}/r`, password, connect }))
  }

  async run(): Promise<UploadTortureRun> {
    const began = performance.now()
    const { kills, parallel } = this.#options
    await this.#start()
    this.#memory.before = this.#server.memory()
    const ways = ['at once', ...moments]
    for (let round = 1; round <= kills; round++) {
      const how = ways[round % ways.length]!
      this.#options.onRound?.(round, how)
      // Some are there when the others come.
      await this.#putAll(Math.ceil(parallel / 5), 0)
      await this.#putAll(parallel, breaking, this.#random.next() * 0.9, how)
      await this.#examine()
      await this.#removeAll(ways[(round + 1) % ways.length]!)
    }
    await this.#putAll(parallel, breaking)
    await this.#server.kill()
    await this.#examine()
    await this.#removeAll()
    return {
      seconds: (performance.now() - began) / 1000,
      kills,
      ...this.#counts,
      memory: this.#memory,
      violations: this.#violations,
      errors: this.#server.logged(50),
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.cut()))
    await this.#server.kill()
  }

  /** Starts it; what it keeps must agree with the disk. */
  async #start(): Promise<void> {
    this.#server.start()
    await this.#server.ready
    this.#violations.push(...readBooks(this.#data, domain).violations)
    await Promise.all(this.#clients.map((client) => client.connect()))
  }

  /** Puts files, all at once, some of them only in part; kills the server when this share of all bytes has been sent. */
  async #putAll(count: number, share: number, killAt = Infinity, how = ''): Promise<void> {
    const { size } = this.#options
    let sent = 0
    let killed: Promise<void> | undefined
    const onBytes = (bytes: number) => {
      sent += bytes
      this.#counts.bytes += bytes
      if (killed || sent < killAt * count * size * (1 - breaking / 2)) return
      killed = this.#kill(how)
    }
    const watch = setInterval(() => {
      if (!killed) this.#memory.most = Math.max(this.#memory.most, this.#server.memory())
    }, 100)
    const plans = Array.from({ length: count }, (_, i) => ({
      client: this.#clients[i % this.#clients.length]!,
      start: this.#random.whole(0, 1_000_000),
      breaksAt: this.#random.chance(share) ? Math.floor(this.#random.next() * size) : Infinity,
    }))
    await Promise.all(
      plans.map(async ({ client, start, breaksAt }) => {
        const request = UploadRequest.write({ filename: 'a.bin', size, purpose: 'message' })
        const answer = await Promise.race([client.ask('get', request, service), client.whenGone])
        if (!answer) return
        const file = new UploadedFile(UploadSlot.read(answer.first()!), size, start, this.#ports.http, this.#content)
        this.#files.push(file)
        this.#counts.put++
        const status = await file.put(onBytes, breaksAt)
        if (status === 201) this.#counts.acknowledged++
        else if (breaksAt < size) this.#counts.broken++
        else if (status === undefined && killed) file.state = 'unknown'
        else this.#violations.push(`a file was answered with ${status ?? 'nothing'}`)
      }),
    )
    clearInterval(watch)
    if (killAt === Infinity) return
    // All were done before: then it dies idle.
    killed ??= this.#server.kill()
    await killed
  }

  #kill(how: string): Promise<void> {
    const moment = moments.find((one) => one === how)
    return moment ? this.#server.killAtCommit(moment) : this.#server.kill()
  }

  /** Starts the killed server: what it had acknowledged is there and whole, and of the rest nothing but slots, or all. */
  async #examine(): Promise<void> {
    await this.#start()
    let whole = 0
    for (const file of this.#files) {
      const status = await file.status()
      const isWanted = file.state === 'there'
      if (isWanted && status !== 200) this.#violations.push(`${file.slot.get} was acknowledged and is lost: ${status}`)
      if (file.state === 'slot' && status !== 404) this.#violations.push(`${file.slot.get} broke off and is there`)
      if (status !== 200) continue
      if (!isWanted) this.#counts.unheard++
      // Some are read as a whole, all of them at their end.
      const from = whole++ < 10 ? 0 : Math.max(0, file.size - 65_536)
      if (!(await file.isWhole(from))) this.#violations.push(`${file.slot.get} is not what was put`)
    }
  }

  /** Removes all; perhaps the server is killed at it, and asked again. */
  async #removeAll(how?: string): Promise<void> {
    let removed = 0
    const half = Math.ceil(this.#files.length / 2)
    let killed: Promise<void> | undefined
    const moment = moments.find((one) => one === how)
    // The next commit is that of the first removals.
    if (moment) await new Promise<void>((armed) => void (killed = this.#server.killAtCommit(moment, armed)))
    await Promise.all(
      this.#files.map(async (file) => {
        const status = await file.remove()
        if (status === undefined && killed) return
        if (status !== 204) this.#violations.push(`${file.slot.get} could not be removed: ${status ?? 'no answer'}`)
        removed++
        if (how === 'at once' && removed === half) killed = this.#server.kill()
      }),
    )
    this.#counts.removed += removed
    killed ??= this.#server.kill()
    await killed
    await this.#start()
    for (const file of this.#files) {
      if (file.state !== 'gone') await file.remove()
      const status = await file.status()
      if (status !== 404) this.#violations.push(`${file.slot.get} was removed and is there: ${status}`)
    }
    await this.#server.kill()
    await this.#start()
    this.#files = []
    const { files, slots } = readBooks(this.#data, domain)
    if (files > 0) this.#violations.push(`${files} files are left of none`)
    // A slot of which the server's answer was lost stays until its time is over.
    if (slots > this.#options.parallel) this.#violations.push(`${slots} slots are left of none`)
  }
}
