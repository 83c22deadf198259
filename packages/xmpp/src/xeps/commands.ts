import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Form } from './forms.ts'

export const commandsNs = 'http://jabber.org/protocol/commands'

const actions = ['execute', 'cancel', 'prev', 'next', 'complete'] as const
const statuses = ['executing', 'completed', 'canceled'] as const

/** XEP-0050 §3: one step of a command. */
export interface Command {
  /** Which command it is. */
  readonly node: string
  readonly sessionId?: string | undefined
  /** In a request; execute when it is missing. */
  readonly action?: (typeof actions)[number] | undefined
  /** In an answer. */
  readonly status?: (typeof statuses)[number] | undefined
  readonly form?: Form | undefined
}

/** `<command/>`. Reading throws a StanzaError bad-request, with `<malformed-action/>` for an action that there is not (§4.4). */
export const Command: Payload<Command> = {
  name: 'command',
  ns: commandsNs,
  read(element) {
    const node = element.attr('node')
    if (node === undefined) throw new StanzaError('bad-request', 'A command needs a node')
    const action = element.attr('action')
    const known = actions.find((one) => one === action)
    if (action !== undefined && !known) throw commandError('bad-request', 'malformed-action')
    const form = element.child(Form.name, Form.ns)
    return {
      node,
      sessionId: element.attr('sessionid'),
      action: known,
      status: statuses.find((one) => one === element.attr('status')),
      form: form && Form.read(form),
    }
  },
  write: ({ node, sessionId, action, status, form }) =>
    xml('command', commandsNs, { node, sessionid: sessionId, action, status }, form && Form.write(form)),
}

/** XEP-0050 §4.4: an error with its application condition. */
export function commandError(
  condition: 'bad-request' | 'not-allowed',
  application: 'malformed-action' | 'bad-action' | 'bad-locale' | 'bad-payload' | 'bad-sessionid' | 'session-expired',
): StanzaError {
  return new StanzaError(condition, undefined, { application: xml(application, commandsNs) })
}
