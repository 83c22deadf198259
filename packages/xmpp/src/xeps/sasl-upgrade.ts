import { SaslError } from '../errors.ts'
import { encodeBase64 } from '../sasl/base64.ts'
import { hashLength, type HashName, saltPassword, type ScramCrypto } from '../sasl/crypto.ts'
import { maxIterations, minIterations } from '../sasl/scram-client.ts'
import { type Element, xml } from '../xml/element.ts'
import { readData, sasl2TaskData } from './sasl2.ts'

/** XEP-0480 */
export const saslUpgradeNs = 'urn:xmpp:sasl:upgrade:0'
const scramUpgradeNs = 'urn:xmpp:scram-upgrade:0'

/** §2.1: the task that gives a server the keys of a password for a hash. */
export function upgradeTask(hash: HashName): string {
  return `UPGR-SCRAM-${hash}`
}

/** §2.1, §2.2: `<upgrade/>`, with which a server offers a task, and a client asks for it. */
export function upgrade(task: string): Element {
  return xml('upgrade', saslUpgradeNs, {}, task)
}

/** The tasks that are offered, or asked for, among other things. */
export function upgradesAmong(elements: readonly Element[]): string[] {
  return elements.flatMap(({ name, ns, text }) => (name === 'upgrade' && ns === saslUpgradeNs ? [text.trim()] : []))
}

/** §3: `<task-data/>` with what the server wants the password to be salted with. */
export function upgradeSalt(salt: Uint8Array, iterations: number): Element {
  const attrs = { iterations: String(iterations) }
  return sasl2TaskData(xml('salt', scramUpgradeNs, attrs, encodeBase64(salt)))
}

/** §3: `<task-data/>` with the SaltedPassword. */
export function upgradeHash(salted: Uint8Array): Element {
  return sasl2TaskData(xml('hash', scramUpgradeNs, {}, encodeBase64(salted)))
}

/** The SaltedPassword. @throws SaslError malformed-request, incorrect-encoding */
export function readUpgradeHash(taskData: Element, hash: HashName): Uint8Array {
  const element = taskData.child('hash', scramUpgradeNs)
  if (!element) throw new SaslError('malformed-request', 'There is no hash')
  const salted = readData(element)
  if (salted.length !== hashLength[hash])
    throw new SaslError('malformed-request', `A SaltedPassword of ${hash} has ${hashLength[hash]} bytes`)
  return salted
}

/** The client's answer to the salt. @throws SaslError aborted: the server is not to be trusted; and what `saslprep` throws */
export async function answerUpgrade(
  taskData: Element,
  hash: HashName,
  password: string,
  crypto: ScramCrypto,
): Promise<Element> {
  const element = taskData.child('salt', scramUpgradeNs)
  const salt = element && readData(element)
  if (!salt?.length) throw new SaslError('aborted', 'the server gives no salt')
  const asked = element?.attr('iterations') ?? ''
  const iterations = /^[0-9]+$/.test(asked) ? Number(asked) : 0
  if (!(iterations >= minIterations && iterations <= maxIterations))
    throw new SaslError('aborted', `the server asks for ${iterations} iterations`)
  return upgradeHash(await saltPassword(hash, password, salt, iterations, crypto))
}
