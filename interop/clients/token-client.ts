import { client } from '@xmpp/client'

// @xmpp/client as a program that logs in with a token (OAUTHBEARER); it prints its address or the failure.
const [service, domain, token] = process.argv.slice(2) as [string, string, string]

/** It has no such mechanism of its own, and takes others. */
class OAuthBearer {
  readonly name = 'OAUTHBEARER'
  readonly clientFirst = true
  #hasSpoken = false

  response(): string {
    const isFirst = !this.#hasSpoken
    this.#hasSpoken = true
    return isFirst ? `n,,\u0001auth=Bearer ${token}\u0001\u0001` : '\u0001'
  }

  challenge(): this {
    return this
  }
}
// Where the library looks for it.
Object.assign(OAuthBearer.prototype, { name: 'OAUTHBEARER', clientFirst: true })

type Authenticate = (credentials: object, mechanism: string) => Promise<void>
const credentials = (authenticate: Authenticate): Promise<void> => authenticate({}, 'OAUTHBEARER')
const xmpp = client({ service, domain, credentials } as never)
const { saslFactory } = xmpp as unknown as { saslFactory: { use(mechanism: unknown): void } }
saslFactory.use(OAuthBearer)

xmpp.on('error', () => {})
try {
  console.log(String(await xmpp.start()))
  await xmpp.stop()
} catch (error) {
  console.log((error as { condition?: string }).condition ?? String(error))
  process.exit()
}
