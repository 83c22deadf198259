import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'

/** The certificates in a PEM file, in its order; what is none of them is passed over. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/**
 * What clients may stumble over in the certificates that follow the host's own, in a sentence; undefined when all is well. Some clients
 * do: a private authority's certificates are installed where they are wanted.
 */
export function chainDoubt(file: string, pem: string): string | undefined {
  const chain = certificatesIn(pem)
  const gap = chain.findIndex((one, at) => at + 1 < chain.length && !one.checkIssued(chain[at + 1]!))
  if (gap >= 0)
    return `The certificates in ${file} do not follow from one another: put the host's own first, and behind each one that of its issuer.`
  const [own] = chain
  if (chain.length !== 1 || own!.subject === own!.issuer) return undefined
  if (rootCertificates.some((root) => new X509Certificate(root).subject === own!.issuer)) return undefined
  const issuer = /^CN=(.*)$/m.exec(own!.issuer)?.[1] ?? own!.issuer.replaceAll('\n', ', ')
  return `The file ${file} lacks the certificate of the issuer (${issuer}), without which most clients refuse the host's own: append it (some call that fullchain.pem).`
}
