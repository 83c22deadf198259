import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { Command } from './commands.ts'

test('XEP-0050 §3: a command is read as it was written', () => {
  for (const command of [
    { node: 'list', action: 'execute' as const },
    { node: 'config', sessionId: 's', status: 'executing' as const, form: { type: 'form' as const, title: 'Config' } },
    { node: 'config', status: 'executing' as const, actions: ['complete' as const, 'prev' as const] },
    { node: 'stop', status: 'completed' as const, notes: [{ type: 'error' as const, text: 'It goes on' }] },
  ])
    expect(Command.read(Command.write(command))).toMatchObject(command)
})

test('XEP-0050 §4.4: a command without a node, or with an action that there is not', () => {
  const read = (attributes: string) =>
    Command.read(parse(`<command xmlns='http://jabber.org/protocol/commands'${attributes}/>`))
  expect(() => read('')).toThrow(expect.objectContaining({ condition: 'bad-request' }))
  expect(() => read(" node='n' action='dance'")).toThrow(
    expect.objectContaining({ application: expect.objectContaining({ name: 'malformed-action' }) }),
  )
})
