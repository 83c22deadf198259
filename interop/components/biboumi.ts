import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const programs = { biboumi: '/usr/bin/biboumi', ngircd: '/usr/sbin/ngircd' } as const

export const hasBiboumi = Object.values(programs).every((file) => existsSync(file))

/** An IRC server (ngircd), and the gateway to it (biboumi) as a component; on a loopback address of their own, for biboumi knows one port only. */
export class Irc {
  readonly address = `127.1.${(process.pid >> 8) & 255}.${process.pid & 255}`
  readonly #folder: string
  readonly #processes: ChildProcess[] = []
  /** What they have written. */
  log = ''
  #whenWritten: (() => void)[] = []

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(domain: string, secret: string, port: number): Promise<Irc> {
    const irc = new Irc(await mkdtemp(join(tmpdir(), 'jackdaw-irc-')))
    await irc.#write(
      'ngircd.conf',
      '[Global]',
      'Name = irc.test',
      'Info = test',
      `Listen = ${irc.address}`,
      'Ports = 6667',
      'MotdPhrase = "hello"',
      '[Limits]',
      'MaxConnectionsIP = 0',
      '[Options]',
      'DNS = no',
      'Ident = no',
      'PAM = no',
    )
    await irc.#write(
      'biboumi.cfg',
      `hostname=${domain}`,
      `password=${secret}`,
      'xmpp_server_ip=127.0.0.1',
      `port=${port}`,
      `db_name=${join(irc.#folder, 'biboumi.sqlite')}`,
      'identd_port=0',
      'log_level=0',
    )
    irc.#run(programs.ngircd, '-n', '-f', join(irc.#folder, 'ngircd.conf'))
    await irc.#listens()
    irc.#run(programs.biboumi, join(irc.#folder, 'biboumi.cfg'))
    return irc
  }

  /** Resolves when the server has taken the gateway in for so many times. */
  async connected(times: number): Promise<void> {
    while (this.log.split('Authenticated with the XMPP server').length <= times)
      await new Promise<void>((resolve) => this.#whenWritten.push(resolve))
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const dead = once(child, 'close')
        child.kill('SIGKILL')
        await dead
      }),
    )
    await rm(this.#folder, { recursive: true, force: true })
  }

  #write(file: string, ...lines: string[]): Promise<void> {
    return writeFile(join(this.#folder, file), `${lines.join('\n')}\n`)
  }

  #run(program: string, ...words: string[]): void {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    process.once('exit', () => child.kill('SIGKILL'))
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
        for (const act of this.#whenWritten.splice(0)) act()
      })
    this.#processes.push(child)
  }

  /** Resolves when somebody takes connections there. */
  async #listens(): Promise<void> {
    for (;;) {
      const socket = connect(6667, this.address)
      const isOpen = await new Promise<boolean>((resolve) =>
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
      )
      socket.destroy()
      if (isOpen) return
      const [child] = this.#processes
      if (child?.exitCode !== null) throw new Error(`ngircd has ended: ${this.log}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
