import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ConfigInput } from '@jackdaw/server'

const cli = fileURLToPath(new URL('../packages/server/src/cli.ts', import.meta.url))
const closedPorts = { xmpp: 0, xmpps: 0, http: 0, https: 0, component: 0 }

export type Ports = Readonly<Record<keyof typeof closedPorts, number>>

type Hosts = NonNullable<ConfigInput['hosts']>

interface LogLine {
  readonly level: number
  readonly msg?: string
  readonly invitation?: string
  readonly listening?: readonly { readonly name: keyof Ports; readonly port: number }[]
}

/**
 * The command `jackdaw start` in a process of its own, as a user has it: TLS with the certificate that it makes, accounts by `jackdaw user add`.
 * Only the data folder is a temporary one, and it listens on free ports of 127.0.0.1; started again, on the same ones.
 */
export class Jackdaw {
  readonly folder: string
  ports: Ports = closedPorts
  #process: ChildProcess | undefined
  #log: LogLine[] = []
  #complaints = ''

  readonly #hosts: Hosts

  private constructor(folder: string, hosts: Hosts) {
    this.folder = folder
    this.#hosts = hosts
  }

  /** @param hosts as in the configuration @param prepare puts files beside that */
  static async start(hosts: Hosts = { localhost: {} }, prepare?: (folder: string) => Promise<void>): Promise<Jackdaw> {
    const jackdaw = new Jackdaw(await mkdtemp(join(tmpdir(), 'jackdaw-')), hosts)
    try {
      await prepare?.(jackdaw.folder)
      await jackdaw.start()
    } catch (error) {
      await jackdaw.stop()
      throw error
    }
    return jackdaw
  }

  /** The certificate of localhost, a PEM file; clients are to trust it. */
  get certificate(): string {
    return join(this.folder, 'data', 'certificates', 'localhost.crt')
  }

  /** What the server logged as an error, and what it wrote to standard error, in all its lives. */
  get troubles(): readonly string[] {
    const errors = this.#log.filter(({ level }) => level >= 50).map((line) => JSON.stringify(line))
    return this.#complaints === '' ? errors : [...errors, this.#complaints]
  }

  /** The link to the first account that the last start has printed. */
  get invitation(): string | undefined {
    return this.#log.findLast(({ listening }) => listening)?.invitation
  }

  /** Starts the process; resolves when it listens, rejects when it ends before. */
  async start(): Promise<void> {
    const listen = Object.fromEntries(
      Object.entries(this.ports).map(([name, port]) => [name, { port, address: '127.0.0.1' }]),
    )
    // JSON is YAML.
    await writeFile(this.#config, JSON.stringify({ data: join(this.folder, 'data'), hosts: this.#hosts, listen }))
    const child = this.#run(['start'], ['ignore', 'pipe', 'pipe'])
    this.#process = child
    process.once('exit', () => child.kill('SIGKILL'))
    const own: string[] = []
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      own.push(text)
      this.#complaints += text
    })
    this.ports = await new Promise<Ports>((resolve, reject) => {
      child.once('close', (code, signal) =>
        reject(new Error(`The server ended with ${code ?? signal}: ${own.join('')}`)),
      )
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const event = JSON.parse(line) as LogLine
        this.#log.push(event)
        if (event.listening)
          resolve(Object.fromEntries(event.listening.map(({ name, port }) => [name, port])) as unknown as Ports)
      })
    })
  }

  /** `jackdaw user add`, the password on standard input. */
  async addUser(account: string, password: string): Promise<void> {
    const child = this.#run(['user', 'add', account], ['pipe', 'ignore', 'pipe'])
    let complaint = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (complaint += text))
    child.stdin!.end(`${password}\n`)
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`user add ${account}: ${complaint}`)
  }

  /** `jackdaw invite`; gives the link of the page. */
  async invite(...options: readonly string[]): Promise<string> {
    const child = this.#run(['invite', ...options], ['ignore', 'pipe', 'ignore'])
    let out = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
    await once(child, 'close')
    return out.split('\n', 1)[0]!
  }

  /** `jackdaw token add`; gives the token of localhost. */
  async token(name: string, scopes: readonly string[]): Promise<string> {
    const child = this.#run(
      ['token', 'add', name, ...scopes.flatMap((scope) => ['--scope', scope])],
      ['ignore', 'pipe', 'ignore'],
    )
    let out = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
    await once(child, 'close')
    return out.trim()
  }

  /** `jackdaw check`; gives what it prints. */
  async check(): Promise<string> {
    const child = this.#run(['check'], ['ignore', 'pipe', 'ignore'])
    let out = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
    await once(child, 'close')
    return out
  }

  /** SIGKILL; resolves when the process is dead. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM, as Ctrl-C or a service manager ends it; then the data is removed. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const dead = once(child, 'close')
    child.kill(signal)
    await dead
  }

  get #config(): string {
    return join(this.folder, 'jackdaw.yaml')
  }

  #run(words: readonly string[], stdio: ('ignore' | 'pipe')[]): ChildProcess {
    return spawn(process.execPath, ['--conditions=source', cli, ...words, '--config', this.#config], {
      cwd: this.folder,
      stdio,
    })
  }
}
