import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { generatePassword, readPassword } from './password.ts'
import { CommandError } from './requests.ts'

/** A terminal on which somebody types. */
function terminal(): { type(text: string): void; shown(): string; modes: boolean[]; answer: Promise<string> } {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => void modes.push(mode) })
  const output = new PassThrough()
  const answer = readPassword({ input: input as never, output })
  answer.catch(() => undefined)
  return { type: (text) => input.write(text), shown: () => String(output.read() ?? ''), modes, answer }
}

async function shows(screen: { shown(): string }, text: string): Promise<void> {
  let seen = ''
  while (!seen.includes(text)) {
    await new Promise(setImmediate)
    seen += screen.shown()
  }
}

test('on a terminal it is asked for twice, unseen, and may be mended while typing', async () => {
  const screen = terminal()
  await shows(screen, 'Password: ')
  screen.type('wrong\u0015pä\uD83D\uDE00x\u007F\u007Fss\r')
  await shows(screen, '\nOnce more: ')
  screen.type('päss\n')
  expect(await screen.answer).toBe('päss')
  expect(screen.shown()).toBe('\n')
  expect(screen.modes).toEqual([true, false, true, false])
})

test('two that differ, an empty one and Ctrl-C change nothing', async () => {
  const differs = terminal()
  differs.type('one\r')
  await shows(differs, 'Once more: ')
  differs.type('two\r')
  await expect(differs.answer).rejects.toThrow(new CommandError('the two passwords differ: try again'))
  const empty = terminal()
  empty.type('\r')
  await expect(empty.answer).rejects.toThrow('the password is empty')
  const ended = terminal()
  ended.type('abc\u0003')
  await expect(ended.answer).rejects.toThrow(new CommandError('nothing was changed'))
  expect(ended.modes.at(-1)).toBe(false)
})

test('where there is no terminal, it is the first line', async () => {
  const piped = (text: string) => {
    const input = new PassThrough()
    input.end(text)
    return readPassword({ input: input as never, output: new PassThrough() })
  }
  expect(await piped('pä ss\r\nmore')).toBe('pä ss')
  expect(await piped('no end')).toBe('no end')
  await expect(piped('')).rejects.toThrow('the password is empty')
  await expect(piped('x'.repeat(1025))).rejects.toThrow('longer than 1024 characters')
})

test('one that is made here has 100 bits', () => {
  const password = generatePassword({ bytes: (size) => Uint8Array.from({ length: size }, (_, i) => i * 13) })
  expect(password).toMatch(/^[a-km-np-z2-9]{20}$/)
  expect(generatePassword({ bytes: (size) => new Uint8Array(size) })).toBe('a'.repeat(20))
})
