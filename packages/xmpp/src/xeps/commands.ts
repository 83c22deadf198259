import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Form } from './forms.ts'

export const commandsNs = 'http://jabber.org/protocol/commands'

const wishes = ['execute', 'cancel', 'prev', 'next', 'complete'] as const
const statuses = ['executing', 'completed', 'canceled'] as const
const notes = ['info', 'warn', 'error'] as const

/** XEP-0050 §5.3: what is told of the command's course, for a human reader. */
export interface CommandNote {
  readonly type: (typeof notes)[number]
  readonly text: string
}

/** XEP-0050 §3: one step of a command. */
export interface Command {
  /** Which command it is. */
  readonly node: string
  readonly sessionId?: string | undefined
  /** In a request; execute when it is missing. */
  readonly action?: (typeof wishes)[number] | undefined
  /** In an answer. */
  readonly status?: (typeof statuses)[number] | undefined
  /** In an answer: what may be done next, the default first (§5.2). */
  readonly actions?: readonly ('prev' | 'next' | 'complete')[] | undefined
  readonly notes?: readonly CommandNote[] | undefined
  readonly form?: Form | undefined
  /** In an answer: what else is found, behind the form. */
  readonly payload?: Element | undefined
}

/** `<command/>`. Reading throws a StanzaError bad-request, with `<malformed-action/>` for an action that there is not (§4.4). */
export const Command: Payload<Command> = {
  name: 'command',
  ns: commandsNs,
  read(element) {
    const node = element.attr('node')
    if (node === undefined) throw new StanzaError('bad-request', 'A command needs a node')
    const action = element.attr('action')
    const known = wishes.find((one) => one === action)
    if (action !== undefined && !known) throw commandError('bad-request', 'malformed-action')
    const form = element.child(Form.name, Form.ns)
    return {
      node,
      sessionId: element.attr('sessionid'),
      action: known,
      status: statuses.find((one) => one === element.attr('status')),
      actions: element.child('actions') && readActions(element.child('actions')!),
      notes: element
        .elements()
        .filter(({ name, ns }) => name === 'note' && ns === commandsNs)
        // §5.3: information, where nothing else is said.
        .map((note) => ({ type: notes.find((one) => one === note.attr('type')) ?? 'info', text: note.text })),
      form: form && Form.read(form),
    }
  },
  write: ({ node, sessionId, action, status, actions, notes: told = [], form, payload }) =>
    xml(
      'command',
      commandsNs,
      { node, sessionid: sessionId, action, status },
      actions && xml('actions', commandsNs, { execute: actions[0] }, ...actions.map((name) => xml(name, commandsNs))),
      form && Form.write(form),
      payload,
      ...told.map(({ type, text }) => xml('note', commandsNs, { type }, text)),
    ),
}

function readActions(element: Element): NonNullable<Command['actions']> {
  const names = (['prev', 'next', 'complete'] as const).filter((name) => element.child(name))
  // §3.4: without the attribute it is the next step.
  const first = element.attr('execute') ?? 'next'
  return names.sort((a, b) => Number(b === first) - Number(a === first))
}

/** XEP-0050 §4.4: an error with its application condition. */
export function commandError(
  condition: 'bad-request' | 'not-allowed',
  application: 'malformed-action' | 'bad-action' | 'bad-locale' | 'bad-payload' | 'bad-sessionid' | 'session-expired',
): StanzaError {
  return new StanzaError(condition, undefined, { application: xml(application, commandsNs) })
}
