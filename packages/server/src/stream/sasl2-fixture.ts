import { type Actor, type Scenario, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { encodeBase64, SaslError, sasl2Ns, xml, type Element } from '@jackdaw/xmpp'

const password = 'the wine is red'

/** What TLS would tell: new ones after a new handshake, but for the certificate. */
export const channel = (exported = 'exported') => ({
  protocol: 'TLSv1.3',
  bindings: new Map([
    ['tls-exporter', Buffer.from(exported)],
    ['tls-server-end-point', Buffer.from('the certificate')],
  ]),
  identities: [],
})

/** A server reached over TLS, with the accounts romeo and juliet. Logging in may take long: a refusal is told late. */
export async function secure({ config, ...options }: ScenarioOptions = { modules: [] }): ReturnType<typeof scenario> {
  const limits = { unauthenticatedTime: '1 h', ...config?.limits }
  const s = await scenario({ accounts: { romeo: [], juliet: [] }, ...options, config: { ...config, limits } })
  s.network.tls = channel()
  return s
}

/** A client of romeo's whose stream is open. */
export async function opened(s: Scenario, name = 'romeo'): Promise<Actor> {
  const client = s.client(name)
  await client.open()
  return client
}

/** `<authenticate/>` with PLAIN. */
export function plain(...more: readonly (Element | undefined)[]): Element {
  return authenticate('PLAIN', Buffer.from(`\0romeo\0${password}`), ...more)
}

export function authenticate(
  mechanism: string,
  initial: Uint8Array,
  ...more: readonly (Element | undefined)[]
): Element {
  const response = xml('initial-response', sasl2Ns, {}, encodeBase64(initial))
  return xml('authenticate', sasl2Ns, { mechanism }, response, ...more)
}

export function userAgent(id: string, software = 'AwesomeXMPP', device = "Kiva's Phone"): Element {
  const described = [xml('software', sasl2Ns, {}, software), xml('device', sasl2Ns, {}, device)]
  return xml('user-agent', sasl2Ns, { id }, ...described)
}

/** The condition of the failure with which it is answered, however late. */
export async function failure(s: Scenario, client: Actor, element: Element): Promise<string> {
  client.send(element)
  return SaslError.from(await late(s, client.next())).condition
}

/** What comes only after a while (RFC 6120 §6.4.5). */
export async function late<T>(s: Scenario, promise: Promise<T>): Promise<T> {
  const done = promise.then(isTrue, isTrue)
  while (!(await Promise.race([done, s.clock.advance(20).then(() => false)])));
  return promise
}

/** The condition of the stream error that it causes. */
export async function error(client: Actor, ...elements: (Element | string)[]): Promise<string | undefined> {
  for (const element of elements) client.send(element)
  await client.whenGone
  return client.streamError?.condition
}

function isTrue(): true {
  return true
}
