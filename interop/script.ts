import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A script in Debian's Python, with slixmpp: it is given options in JSON, and tells what it finds in lines of JSON. */
export class Script {
  readonly #process: ChildProcessWithoutNullStreams
  /** What it wrote to its standard error. */
  complaints = ''

  /** @param environment added to that of this process */
  constructor(file: URL, options: object, environment: Readonly<Record<string, string>> = {}) {
    this.#process = spawn('/usr/bin/python3', ['-u', fileURLToPath(file), JSON.stringify(options)], {
      timeout: 90_000,
      env: { ...process.env, ...environment },
    })
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.complaints += text))
  }

  /** All that it tells until it ends. */
  async all<T>(): Promise<T[]> {
    const told: T[] = []
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      // slixmpp 1.8 prints the delay of a room's messages.
      if (line.startsWith('{')) told.push(JSON.parse(line) as T)
    })
    await once(this.#process, 'close')
    return told
  }

  /** The first that it tells; it goes on. */
  async first<T>(): Promise<T> {
    const lines = createInterface({ input: this.#process.stdout })
    const [line] = (await Promise.race([once(lines, 'line'), once(this.#process, 'close')])) as [unknown]
    if (typeof line !== 'string') throw new Error(this.complaints)
    return JSON.parse(line) as T
  }

  end(): void {
    this.#process.kill()
  }
}

/** Runs a script that goes step by step; gives the steps that went well, others with a word, and its complaints. */
export async function runSteps(
  file: URL,
  options: object,
): Promise<{ readonly steps: readonly string[]; readonly complaints: string }> {
  const script = new Script(file, options)
  const told = await script.all<{ step: string; isRight: boolean }>()
  return {
    steps: told.map(({ step, isRight }) => (isRight ? step : `${step}: WRONG`)),
    complaints: script.complaints,
  }
}

/** How an act went; `why` it failed. */
export interface Outcome {
  readonly why: string | null
  readonly value?: unknown
}

/** Runs a script that tries several things, each for itself; gives how they went, by name, and its complaints. */
export async function runActs(
  file: URL,
  options: object,
  environment?: Readonly<Record<string, string>>,
): Promise<{ readonly outcomes: ReadonlyMap<string, Outcome>; readonly complaints: string }> {
  const script = new Script(file, options, environment)
  const told = await script.all<Outcome & { name: string }>()
  return { outcomes: new Map(told.map((one) => [one.name, one])), complaints: script.complaints }
}
