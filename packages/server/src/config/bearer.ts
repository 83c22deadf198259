import * as z from 'zod'

const text = () => z.string().min(1)
const algorithms = [
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['HS256', 'HS384', 'HS512'],
] as const

export type BearerConfig = z.output<ReturnType<typeof bearerSchema>>

/** Whose tokens a host takes. */
export function bearerSchema() {
  return z.strictObject({
    keys: text()
      .refine((keys) => !isUrl(keys) || isSafe(keys), { error: "expected 'https://…', or the name of a file" })
      .describe("The issuer's public keys: the URL of a JWK set, or a file with a JWK set, one JWK, or a PEM key."),
    issuer: text().describe('Who must have issued a token (`iss`).'),
    audience: text().describe('For whom it must have been issued (`aud`).'),
    algorithms: z
      .array(z.enum(algorithms, { error: `expected ${algorithms.join(', ')}` }))
      .min(1)
      .refine((all) => all.every(isShared) || !all.some(isShared), {
        error: 'HS256, HS384 and HS512 have a shared secret: they do not stand beside the others',
      })
      .describe('How it may be signed; nothing else is accepted, whatever the token says.')
      .default(['ES256', 'RS256', 'EdDSA']),
    claim: text()
      .describe(
        'Which claim is the local part of the address. It is not changed: who is called `Romeo` there is not romeo here, and cannot log in.',
      )
      .default('sub'),
    newAccounts: z.boolean().describe('Whether who comes first with a token gets an account.').default(false),
  })
}

export function isUrl(keys: string): boolean {
  return /^https?:/i.test(keys)
}

/** Whether it signs with a secret that both sides have. */
export function isShared(algorithm: string): boolean {
  return algorithm.startsWith('HS')
}

/** Keys that come in clear are anybody's. */
function isSafe(keys: string): boolean {
  const url = URL.parse(keys)
  return url?.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
}
