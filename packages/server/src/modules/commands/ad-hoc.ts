import {
  Command,
  commandError,
  commandsNs,
  DiscoInfo,
  type DiscoItem,
  type Element,
  fieldValues,
  type Form,
  formsNs,
  type Jid,
  StanzaError,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable, Random } from '../../world.ts'

/** A command as it is for one who asks. One form at the most: so nothing has to be remembered between its steps. */
export interface AdHocCommand {
  readonly node: string
  /** For a human reader. */
  readonly name: string
  /** Others are not shown it, and may not carry it out. */
  readonly isAllowed: boolean
  /** What it has to be told; missing where that is nothing. */
  readonly ask?: () => Awaitable<Form>
  /**
   * Does it. `answers` has all fields that are required. What fails after it has begun is a note of the type 'error', not an error
   * (XEP-0050 §3.6).
   */
  carryOut(answers: Form): Awaitable<Outcome | void>
}

/** What a command has found or done. */
export type Outcome = Pick<Command, 'form' | 'notes' | 'payload'>

/** XEP-0050 §2.4: one step. @throws StanzaError item-not-found, forbidden, bad-request */
export function perform(
  commands: readonly AdHocCommand[],
  { node, sessionId, action, form }: Command,
  random: Random,
): Awaitable<Element> {
  const command = allowed(commands, node)
  const step = (rest: Partial<Command>) =>
    Command.write({ node, sessionId: sessionId || Buffer.from(random.bytes(12)).toString('base64url'), ...rest })
  const isDone = (outcome: Outcome | void) => step({ status: 'completed', ...outcome })
  if (action === 'cancel') return step({ status: 'canceled' })
  if (action === 'prev' || action === 'next') throw commandError('bad-request', 'bad-action')
  if (!command.ask) return when(command.carryOut({ type: 'submit' }), isDone)
  return when(command.ask(), (question) => {
    if (!form) {
      if (action === 'complete') throw commandError('bad-request', 'bad-payload')
      return step({ status: 'executing', actions: ['complete'], form: question })
    }
    const missing = question.fields?.find(({ isRequired, var: name }) => isRequired && !fieldValues(form, name!)?.[0])
    if (missing) throw commandError('bad-request', 'bad-payload')
    return when(command.carryOut(form), isDone)
  })
}

/** XEP-0050 §2.2: what a node is; undefined for one that is neither a command nor the list of them. @throws StanzaError forbidden */
export function describeCommand(commands: readonly AdHocCommand[], node: string): DiscoInfo | undefined {
  const info = (type: string, name: string, features: readonly string[]) => ({
    node,
    identities: [{ category: 'automation', type, name }],
    features,
    forms: [],
  })
  if (node === commandsNs) return info('command-list', 'Commands', [commandsNs])
  if (!commands.some((one) => one.node === node)) return undefined
  return info('command-node', allowed(commands, node).name, [commandsNs, formsNs])
}

/** XEP-0050 §2.2 */
export function listCommands(commands: readonly AdHocCommand[], jid: Jid): DiscoItem[] {
  return commands.filter(({ isAllowed }) => isAllowed).map(({ node, name }) => ({ jid, node, name }))
}

function allowed(commands: readonly AdHocCommand[], node: string): AdHocCommand {
  const command = commands.find((one) => one.node === node)
  if (!command) throw new StanzaError('item-not-found', `There is no command ${node}`)
  if (!command.isAllowed) throw new StanzaError('forbidden', 'You may not carry out that command', { type: 'cancel' })
  return command
}
