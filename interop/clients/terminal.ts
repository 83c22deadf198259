import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
}

/** A program on a terminal of its own (tmux, which nobody else can reach), with a person's eyes and hands. */
export class Terminal {
  readonly #socket: string

  /** `folder` is the program's home. */
  constructor(folder: string, program: string, width = 160, height = 50) {
    this.#socket = `${folder}/tmux`
    const size = ['-x', String(width), '-y', String(height)]
    const home = {
      HOME: folder,
      XDG_CONFIG_HOME: `${folder}/config`,
      XDG_DATA_HOME: `${folder}/data`,
      LC_ALL: 'C.UTF-8',
    }
    const env: NodeJS.ProcessEnv = { ...process.env, ...home }
    delete env['TMUX']
    execFileSync('tmux', ['-S', this.#socket, '-f', '/dev/null', 'new-session', '-d', ...size, program], {
      env,
      cwd: folder,
    })
  }

  /** Types a line and Enter. */
  async types(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line)
    await this.#tmux('send-keys', 'Enter')
  }

  screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p', '-J')
  }

  /** Looks until the screen shows it, for half a minute at most. */
  async shows(text: string | RegExp): Promise<void> {
    const isThere = (screen: string): boolean => (typeof text === 'string' ? screen.includes(text) : text.test(screen))
    const deadline = performance.now() + 30_000
    for (let screen = await this.screen(); !isThere(screen); screen = await this.screen()) {
      if (performance.now() > deadline) throw new Error(`The screen never showed ${text}, but:\n${screen}`)
      await setTimeout(100)
    }
  }

  /** Ends the terminal and what runs on it. */
  close(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server'])
  }

  async #tmux(...words: string[]): Promise<string> {
    const { stdout } = await run('tmux', ['-S', this.#socket, ...words])
    return stdout
  }
}
