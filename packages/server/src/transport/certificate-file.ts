import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import { domainToASCII } from 'node:url'
import { secureContext, type TlsVersion } from './tls.ts'

/** One virtual host and its PEM files; without files its certificate is made by us. */
export interface CertificateHost {
  readonly domain: string
  readonly files?: CertificateFiles
}

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** A certificate that cannot be used; the message says which, why and how to mend it. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

export function asciiOf({ domain }: CertificateHost): string {
  return domainToASCII(domain) || domain
}

/** What is in the files, ready for use. Rejects with a CertificateError. */
export async function readCertificate(
  host: CertificateHost,
  files: CertificateFiles,
  { minVersion, now }: { minVersion: TlsVersion; now: number },
): Promise<{ certificate: X509Certificate; context: SecureContext; warnings: readonly string[] }> {
  const pem = { certificate: await read(host, files.certificate), key: await read(host, files.key) }
  const certificate = parse(host, files, pem)
  return {
    certificate,
    context: contextOf(host, files.certificate, pem, minVersion),
    warnings: warningsOf(host, files.certificate, certificate, now),
  }
}

/** The certificate that we made; undefined when it is missing or was made by halves; 'foreign' when somebody else put it there. */
export async function readOwn(files: CertificateFiles): Promise<X509Certificate | 'foreign' | undefined> {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(await readFile(files.certificate))
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? undefined : 'foreign'
  }
  if (!isOwn(certificate)) return 'foreign'
  try {
    return certificate.checkPrivateKey(createPrivateKey(await readFile(files.key))) ? certificate : undefined
  } catch {
    return undefined
  }
}

export function isOwn(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.subject.split('\n').includes('O=Jackdaw')
}
/** All of it or nothing. */
export async function put(path: string, text: string, mode: number): Promise<void> {
  await writeFile(`${path}.new`, text, { mode })
  // The mode above counts for a new file only.
  await chmod(`${path}.new`, mode)
  await rename(`${path}.new`, path)
}

/** Changes when one of the files changes. */
export async function versionOf(files: CertificateFiles): Promise<string> {
  const times = [files.certificate, files.key].map(async (path) => {
    const found = await stat(path).catch(() => undefined)
    return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : 'absent'
  })
  return (await Promise.all(times)).join()
}

async function read(host: CertificateHost, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CertificateError(
      `The certificate of ${host.domain} cannot be used, because ${path} cannot be read: ${wordsOf(error)}.`,
      { cause: error },
    )
  }
}

function parse(
  host: CertificateHost,
  files: CertificateFiles,
  pem: { certificate: string; key: string },
): X509Certificate {
  const unfit = (path: string, why: string, cause?: unknown): CertificateError =>
    new CertificateError(`The certificate of ${host.domain} cannot be used, because ${path} ${why}.`, { cause })
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem.certificate)
  } catch (error) {
    throw unfit(files.certificate, 'holds no certificate in PEM form', error)
  }
  let fits: boolean
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(pem.key))
  } catch (error) {
    throw unfit(files.key, 'holds no private key in PEM form that can be read without a password', error)
  }
  if (!fits) throw unfit(files.key, `is not the key of ${files.certificate}`)
  return certificate
}

function contextOf(
  host: CertificateHost,
  file: string,
  pem: { certificate: string; key: string },
  minVersion: TlsVersion,
): SecureContext {
  try {
    return secureContext(pem, minVersion)
  } catch (error) {
    throw new CertificateError(`The certificate of ${host.domain} in ${file} cannot be used: ${wordsOf(error)}.`, {
      cause: error,
    })
  }
}

function warningsOf(host: CertificateHost, file: string, certificate: X509Certificate, now: number): string[] {
  const warnings: string[] = []
  const until = certificate.validToDate
  const from = certificate.validFromDate
  if (until.getTime() < now) {
    warnings.push(
      `The certificate of ${host.domain} expired on ${until.toISOString().slice(0, 10)}: clients will refuse it; put a new one into ${file}.`,
    )
  }
  if (from.getTime() > now) {
    warnings.push(
      `The certificate of ${host.domain} is valid only from ${from.toISOString().slice(0, 10)}: is this machine's clock right?`,
    )
  }
  const name = asciiOf(host).replaceAll(/^\[|\]$/g, '')
  if ((isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) === undefined) {
    warnings.push(`The certificate in ${file} does not name ${host.domain}: clients will refuse it.`)
  }
  return warnings
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
