import { createInterface } from 'node:readline'
import type { Command, Heard, PeerOptions, Question } from './peer.ts'

/** A client program's end of the lines that `Peer` reads and writes. */
export const options = JSON.parse(process.argv[2]!) as PeerOptions

export function tell(event: Heard): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

export interface Actions {
  connect(): void
  close(): void
  presence(about: { to?: string; type?: string; status?: string }): void
  message(to: string, body: string): void
  readonly answers: Readonly<Partial<Record<Question, () => Promise<unknown>>>>
}

/** Does what it is told until standard input ends, and the program with it. */
export function obey(actions: Actions): void {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const command = JSON.parse(line) as Command
    switch (command.do) {
      case 'connect':
        return actions.connect()
      case 'close':
        return actions.close()
      case 'presence': {
        const { do: _, ...about } = command
        return actions.presence(about)
      }
      case 'message':
        return actions.message(command.to, command.body)
      case 'ask': {
        const { what, number } = command
        const answer = actions.answers[what]
        const asked = answer ? answer() : Promise.reject(new Error('the library has no such thing'))
        asked.then(
          (value) => tell({ is: 'answer', number, value: value ?? null }),
          (error: unknown) =>
            tell({ is: 'refused', number, why: error instanceof Error ? error.message : JSON.stringify(error) }),
        )
      }
    }
  })
  lines.on('close', () => process.exit())
}
