import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'

const program = fileURLToPath(new URL('token-client.ts', import.meta.url))
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A JWT as a product makes it, without a library. */
function token(claims: object): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
  const content = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`
  return `${content}.${sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

test('@xmpp/client logs in with a token of the product, over TLS; its account is made by that', async () => {
  const bearer = { keys: 'product.pem', issuer: 'https://shop.example', audience: 'chat', newAccounts: true }
  const server = await Jackdaw.start({ localhost: { bearer } }, async (folder) =>
    writeFile(join(folder, 'product.pem'), publicKey.export({ type: 'spki', format: 'pem' })),
  )
  try {
    const login = async (claims: object) => {
      const words = [
        '--conditions=source',
        program,
        `xmpp://localhost:${server.ports.xmpp}`,
        'localhost',
        token(claims),
      ]
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.certificate }
      return (await promisify(execFile)(process.execPath, words, { env })).stdout.trim()
    }
    const claims = { iss: 'https://shop.example', aud: 'chat', sub: 'juliet', exp: Math.floor(Date.now() / 1000) + 60 }
    expect(await login(claims)).toMatch(/^juliet@localhost\/./)
    await server.kill()
    await server.start()
    expect(await login(claims)).toMatch(/^juliet@localhost\/./)
    expect(await login({ ...claims, aud: 'shop' })).toBe('not-authorized')
    expect(server.troubles).toEqual([])
  } finally {
    await server.stop()
  }
})
