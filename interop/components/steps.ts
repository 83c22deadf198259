import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Runs a script of slixmpp's; gives the steps that it has told, and what it complained of. */
export async function stepsOf(
  script: string,
  options: object,
): Promise<{ readonly steps: readonly string[]; readonly complaints: string }> {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn('/usr/bin/python3', ['-u', file, JSON.stringify(options)], { timeout: 90_000 })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const steps: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    // slixmpp 1.8 prints the delay of a room's messages.
    if (!line.startsWith('{')) return
    const { step, isRight } = JSON.parse(line) as { step: string; isRight: boolean }
    steps.push(isRight ? step : `${step}: WRONG`)
  })
  await once(child, 'close')
  return { steps, complaints }
}
