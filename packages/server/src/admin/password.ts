import type { Random } from '../world.ts'
import { CommandError } from './requests.ts'

/** The letters of a password that is made here: none that look alike. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
const LENGTH = 20

/** A password of 100 bits. */
export function generatePassword(random: Random): string {
  return Array.from(random.bytes(LENGTH), (byte) => LETTERS[byte % LETTERS.length]).join('')
}

export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
}

/**
 * Asks for a new password, twice and unseen, on a terminal; else takes the first line of the input. It is never an argument: every
 * user of the machine sees those, and the shell keeps them.
 */
export async function readPassword({ input, output }: Terminal): Promise<string> {
  if (!input.isTTY) return checked(await firstLine(input))
  const password = checked(await readUnseen('Password: ', input, output))
  if ((await readUnseen('Once more: ', input, output)) !== password)
    throw new CommandError('the two passwords differ: try again')
  return password
}

function checked(password: string): string {
  if (password === '')
    throw new CommandError('the password is empty: type one, pipe one in, or let --generate make one')
  if (password.length > 1024)
    throw new CommandError('the password is longer than 1024 characters: choose a shorter one')
  return password
}

async function firstLine(input: NodeJS.ReadStream): Promise<string> {
  let text = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    text += chunk as string
    if (text.includes('\n') || text.length > 4096) break
  }
  return text.split(/\r?\n/, 1)[0]!
}

function readUnseen(prompt: string, input: NodeJS.ReadStream, output: NodeJS.WritableStream): Promise<string> {
  output.write(prompt)
  input.setRawMode(true)
  input.setEncoding('utf8')
  input.resume()
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const end = (act: () => void): void => {
      input.off('data', onData)
      input.setRawMode(false)
      input.pause()
      output.write('\n')
      act()
    }
    const onData = (chunk: string): void => {
      for (const letter of chunk) {
        if (letter === '\r' || letter === '\n') return end(() => resolve(typed.join('')))
        if (letter === '\u0003' || letter === '\u0004')
          return end(() => reject(new CommandError('nothing was changed')))
        if (letter === '\u007F' || letter === '\b') typed.pop()
        else if (letter === '\u0015') typed = []
        else if (letter >= ' ') typed.push(letter)
      }
    }
    input.on('data', onData)
  })
}
