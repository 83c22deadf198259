import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { password as usualPassword } from './hostile-server.ts'
import { header, Peer } from './peer.ts'
import type { Move } from './attack.ts'

/** How an exchange goes wrong. */
export interface ScramFaults {
  readonly name?: string
  readonly password?: string
  /** The client's; random if it is not given. */
  readonly nonce?: string
  readonly proof?: (proof: Buffer) => Uint8Array
  /** Applied to the client-final-message. */
  readonly final?: (text: string) => string
  /** An exchange that had success is sent again, word for word, on this connection. */
  readonly isReplayed?: boolean
  /** The final message is sent again after the success. */
  readonly isTwice?: boolean
}

const pieces = { 'SHA-256': { hash: 'sha256', size: 32 } } as const
const sasl = (name: string, text: string, attrs = '') =>
  `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'${attrs}>${text === '' ? '=' : Buffer.from(text).toString('base64')}</${name}>`

/** A login by SCRAM (RFC 5802 §3), written once more here so that each part of it can be wrong. */
export function scram(hashName: keyof typeof pieces, faults: ScramFaults): Move[] {
  const { hash, size } = pieces[hashName]
  const auth = (text: string) => sasl('auth', text, ` mechanism='SCRAM-${hashName}'`)
  return [
    async (peer) => {
      const { name = peer.account, password = usualPassword, nonce = randomBytes(6).toString('base64url') } = faults
      const bare = `n=${name},r=${nonce}`
      const finalFor = (challenge: string) => {
        const { salt, iterations, nonces } = /^r=(?<nonces>[^,]+),s=(?<salt>[^,]+),i=(?<iterations>\d+)(?:,|$)/.exec(
          challenge,
        )!.groups!
        const salted = pbkdf2Sync(password, Buffer.from(salt!, 'base64'), Number(iterations), size, hash)
        const clientKey = createHmac(hash, salted).update('Client Key').digest()
        const storedKey = createHash(hash).update(clientKey).digest()
        const signed = `c=biws,r=${nonces}`
        const signature = createHmac(hash, storedKey).update(`${bare},${challenge},${signed}`).digest()
        const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!))
        const text = `${signed},p=${Buffer.from(faults.proof?.(proof) ?? proof).toString('base64')}`
        return faults.final?.(text) ?? text
      }
      const exchange = async (by: Peer, recorded?: string) => {
        by.write(auth(`n,,${bare}`))
        const challenge = Buffer.from((await by.hears('challenge'))!.text, 'base64').toString()
        const final = recorded ?? finalFor(challenge)
        by.write(sasl('response', final))
        return final
      }
      if (!faults.isReplayed) {
        const final = await exchange(peer)
        if (!faults.isTwice) return
        await peer.hears('success')
        // In place of the new header that ought to follow.
        peer.write(header)
        await peer.hears('features')
        peer.heard.splice(peer.heard.indexOf('header'), 2)
        return peer.write(sasl('response', final))
      }
      const victim = await Peer.connect(peer.way, peer.ports, name)
      await victim.reach('header')
      const recorded = await exchange(victim)
      await victim.hears('success')
      victim.vanish()
      await exchange(peer, recorded)
    },
  ]
}
