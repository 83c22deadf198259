import type { X509Certificate } from 'node:crypto'
import { domainsBelow } from '../config/hosts.ts'
import { CertificateError, readAuthorities, readCertificate } from '../transport/certificate-file.ts'
import type { Finding, Scene } from './finding.ts'
import { isLocal } from './local.ts'

const DAY = 86_400_000
const SOON = 14 * DAY

/** Whether each host has a certificate that its clients will take, for long enough. */
export async function certificates({ config, modules, clock }: Scene): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [domain, host] of Object.entries(config.hosts)) {
    const title = `certificate of ${domain}`
    const unfit =
      host.clientAuthorities === undefined ? undefined : await unfitAuthorities(domain, host.clientAuthorities)
    if (unfit !== undefined)
      findings.push({ title: `client certificates of ${domain}`, level: 'fail', sentence: unfit })
    if (host.certificate === undefined) {
      findings.push(
        isLocal(domain)
          ? { title, level: 'ok', sentence: 'Jackdaw makes its own.' }
          : {
              title,
              level: 'warn',
              sentence: `Jackdaw makes its own, which apps do not trust: get one for ${domain} and name its files under hosts.${domain}.certificate.`,
            },
      )
      continue
    }
    const { clientAuthorities } = host
    const files = { certificate: host.certificate.cert, key: host.certificate.key }
    try {
      const { certificate, warnings, doubt } = await readCertificate(
        { domain, files, ...(clientAuthorities !== undefined && { clientAuthorities }) },
        files,
        { minVersion: config.tls.minimum, now: clock.now() },
      )
      for (const sentence of warnings) findings.push({ title, level: 'fail', sentence })
      if (doubt !== undefined) findings.push({ title, level: 'warn', sentence: doubt })
      if (warnings.length > 0) continue
      const until = certificate.validToDate
      const date = until.toISOString().slice(0, 10)
      const below = modules.flatMap((module) => domainsBelow(domain, module, host.modules[module.name]))
      const unnamed = (own: X509Certificate): string => {
        const without = below.map(([, name]) => name).filter((name) => own.checkHost(name) === undefined)
        return without.length === 0 ? '' : `; that it does not name ${without.join(', ')} matters to no client`
      }
      findings.push(
        until.getTime() - clock.now() < SOON
          ? {
              title,
              level: 'warn',
              sentence: `It expires on ${date}: renew it and put the new one into ${files.certificate}.`,
            }
          : { title, level: 'ok', sentence: `It is good until ${date}${unnamed(certificate)}.` },
      )
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error
      findings.push({ title, level: 'fail', sentence: error.message })
    }
  }
  return findings
}

async function unfitAuthorities(domain: string, path: string): Promise<string | undefined> {
  try {
    await readAuthorities({ domain }, path)
    return undefined
  } catch (error) {
    if (error instanceof CertificateError) return error.message
    throw error
  }
}
