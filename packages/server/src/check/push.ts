import { createECDH, createPrivateKey } from 'node:crypto'
import { pushOrigins } from '../modules/push-service/push-service.ts'
import type { AppConfig, pushServiceFields } from '../modules/push-service/fields.ts'
import type * as z from 'zod'
import type { Finding, Scene } from './finding.ts'

/** Whether the keys of each app are fit, and those can be reached who deliver for it. */
export async function push({ config, outside }: Scene): Promise<Finding[]> {
  const findings: Finding[] = []
  /** Where messages are handed over, and of which app by what. */
  const origins = new Map<string, string>()
  for (const [domain, { modules }] of Object.entries(config.hosts)) {
    const own = modules['push-service'] as z.output<typeof pushServiceFields> | false | undefined
    if (!own) continue
    const apps = Object.entries(own.apps)
    if (apps.length === 0)
      findings.push({
        title: `push service of ${domain}`,
        level: 'warn',
        sentence: 'It serves no app: name one under modules.push-service.apps, or remove modules.push-service.',
      })
    for (const [name, app] of apps) {
      const title = `push app ${name} of ${domain}`
      const wrong = unfit(app)
      for (const sentence of wrong) findings.push({ title, level: 'fail', sentence })
      const kinds = (['http', 'web-push', 'apns', 'fcm'] as const).filter((kind) => app[kind])
      if (kinds.length === 0)
        findings.push({ title, level: 'warn', sentence: 'Nothing reaches it: set http, web-push, apns or fcm.' })
      else if (wrong.length === 0)
        findings.push({ title, level: 'ok', sentence: `It is reached by ${kinds.join(', ')}.` })
      for (const origin of originsOf(app)) origins.set(origin, name)
    }
  }
  const reached = [...origins.keys()].map(async (origin): Promise<Finding> => {
    const title = `push by ${new URL(origin).hostname}`
    try {
      const { hostname, port } = new URL(origin)
      await outside.reach({ host: hostname, port: port === '' ? 443 : Number(port), isTls: true })
      return { title, level: 'ok', sentence: 'It can be reached.' }
    } catch (error) {
      const why = (error as Error).message
      const sentence = `It cannot be reached, because ${why}: messages wait until this machine may connect to ${origin}.`
      return { title, level: 'fail', sentence }
    }
  })
  return [...findings, ...(await Promise.all(reached))]
}

function unfit(app: AppConfig): string[] {
  const found: string[] = []
  const { apns, fcm, 'web-push': browsers } = app
  // RFC 7518 §3.4: ES256 is this curve's.
  if (apns && createPrivateKey(apns.key).asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    found.push("apns.key is no key of P-256, as Apple's are: take the .p8 file from Apple as it is.")
  if (fcm && (createPrivateKey(fcm.private_key).asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    found.push("fcm.private_key is shorter than Google's are: take the service account's JSON as it is.")
  if (browsers?.privateKey !== undefined && !isScalar(browsers.privateKey))
    found.push('web-push.privateKey is no private key of P-256: remove it, and one is made.')
  return found
}

function isScalar(key: string): boolean {
  try {
    createECDH('prime256v1').setPrivateKey(key, 'base64url')
    return true
  } catch {
    return false
  }
}

function originsOf({ apns, fcm }: AppConfig): string[] {
  return [
    ...(apns ? [apns.sandbox ? pushOrigins.apnsSandbox : pushOrigins.apns] : []),
    ...(fcm ? [pushOrigins.fcm, new URL(fcm.token_uri).origin] : []),
  ]
}
