import { Client, tcp } from '@jackdaw/testkit'
import { xml } from '@jackdaw/xmpp'
import { password } from './peer.ts'

const registerNs = 'jabber:iq:register'

/** Makes the accounts by in-band registration (XEP-0077), as any client could. */
export async function register(port: number, count: number): Promise<void> {
  const client = new Client({ jid: 'u0@localhost', password, connect: tcp(port) })
  for (let i = 0; i < count; i++) {
    // Servers let one stream register once.
    await client.open()
    const query = xml(
      'query',
      registerNs,
      {},
      xml('username', registerNs, {}, `u${i}`),
      xml('password', registerNs, {}, password),
    )
    client.send(xml('iq', 'jabber:client', { type: 'set', id: `r${i}` }, query))
    const answer = await client.next()
    if (answer.attr('type') !== 'result') throw new Error(`registration: ${answer}`)
    await client.cut()
  }
}
