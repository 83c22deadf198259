import { SaslError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { decodeBase64, encodeBase64 } from '../sasl/base64.ts'
import { type Element, xml } from '../xml/element.ts'

/** XEP-0388 */
export const sasl2Ns = 'urn:xmpp:sasl:2'

/** §2.3: the installation of a client, as it describes itself. For the account's owner alone. */
export interface UserAgent {
  /** A UUID, in lower case: the same whenever this installation logs in. */
  readonly id: string | undefined
  /** At most 128 characters; what is longer is cut. */
  readonly software: string | undefined
  readonly device: string | undefined
}

/** §2.3: `<authenticate/>`. */
export interface Authenticate {
  readonly mechanism: string
  /** The initial response. */
  readonly initial: Uint8Array | undefined
  readonly userAgent: UserAgent | undefined
  /** What is asked for along with it, by the namespaces of other extensions. */
  readonly requests: readonly Element[]
}

const longest = 128
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** @throws SaslError malformed-request, incorrect-encoding, invalid-mechanism */
export function readAuthenticate(element: Element): Authenticate {
  const mechanism = element.attr('mechanism')
  if (mechanism === undefined) throw new SaslError('invalid-mechanism')
  const initial = element.child('initial-response', sasl2Ns)
  const agent = element.child('user-agent', sasl2Ns)
  return {
    mechanism,
    initial: initial && readData(initial),
    userAgent: agent && readUserAgent(agent),
    requests: element.elements().filter(({ ns }) => ns !== sasl2Ns),
  }
}

function readUserAgent(agent: Element): UserAgent {
  const id = agent.attr('id')?.toLowerCase()
  if (id !== undefined && !uuid.test(id)) throw new SaslError('malformed-request', "A user-agent's id is a UUID")
  // What is no character to be seen has no place on an operator's terminal.
  const described = (name: string) =>
    agent
      .child(name, sasl2Ns)
      ?.text.replace(/\p{C}+/gu, ' ')
      .trim()
      .slice(0, longest) || undefined
  return { id, software: described('software'), device: described('device') }
}

/** §2.2: the data of an exchange that an element holds. @throws SaslError incorrect-encoding */
export function readData(element: Element): Uint8Array {
  const bytes = decodeBase64(element.text.trim())
  if (!bytes) throw new SaslError('incorrect-encoding')
  return bytes
}

/** §2.1: stands in the stream features. */
export function sasl2Feature(mechanisms: readonly string[], ...more: readonly Element[]): Element {
  return xml('authentication', sasl2Ns, {}, ...mechanisms.map((name) => xml('mechanism', sasl2Ns, {}, name)), ...more)
}

/** §2.1: what may be asked for along with a login. */
export function sasl2Inline(features: readonly Element[]): Element {
  return xml('inline', sasl2Ns, {}, ...features)
}

/** §2.5: `<challenge/>`. */
export function sasl2Challenge(data: Uint8Array): Element {
  return xml('challenge', sasl2Ns, {}, encodeBase64(data))
}

/** §2.6.1: `<success/>`; `identity` is a full JID when a resource has been bound. */
export function sasl2Success(
  identity: Jid,
  additional: Uint8Array | undefined,
  results: readonly (Element | undefined)[],
): Element {
  return xml('success', sasl2Ns, {}, additionalData(additional), identifier(identity), ...results)
}

/** §2.6.3: `<continue/>`, with the one task that is to be done. */
export function sasl2Continue(additional: Uint8Array | undefined, task: string): Element {
  return xml(
    'continue',
    sasl2Ns,
    {},
    additionalData(additional),
    xml('tasks', sasl2Ns, {}, xml('task', sasl2Ns, {}, task)),
  )
}

/** The tasks of a `<continue/>`. */
export function sasl2Tasks(element: Element): string[] {
  const tasks = element.child('tasks', sasl2Ns)?.elements() ?? []
  return tasks.flatMap(({ name, text }) => (name === 'task' ? [text] : []))
}

/** §2.6.3: `<next/>`, with which a client begins a task. */
export function sasl2Next(task: string): Element {
  return xml('next', sasl2Ns, { task })
}

/** §2.6.3: `<task-data/>`. */
export function sasl2TaskData(data: Element): Element {
  return xml('task-data', sasl2Ns, {}, data)
}

function additionalData(data: Uint8Array | undefined): Element | undefined {
  return data && xml('additional-data', sasl2Ns, {}, encodeBase64(data))
}

function identifier(identity: Jid): Element {
  return xml('authorization-identifier', sasl2Ns, {}, identity.toString())
}
