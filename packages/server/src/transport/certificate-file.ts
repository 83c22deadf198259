import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import { domainToASCII } from 'node:url'
import { certificatesIn, chainDoubt } from './certificate-chain.ts'
import { type ClientAuthorities, secureContext, type TlsVersion } from './tls.ts'

/** One virtual host and its PEM files; without files its certificate is made by us. */
export interface CertificateHost {
  readonly domain: string
  readonly files?: CertificateFiles
  /** A PEM file: who vouches for its users. */
  readonly clientAuthorities?: string
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
  { minVersion, now, ticketKeys }: { minVersion: TlsVersion; now: number; ticketKeys?: Buffer | undefined },
): Promise<{
  certificate: X509Certificate
  context: SecureContext
  warnings: readonly string[]
  /** What some clients may stumble over. */
  doubt: string | undefined
}> {
  const pem = { certificate: await read(host, files.certificate), key: await read(host, files.key) }
  const certificate = parse(host, files, pem)
  const authorities =
    host.clientAuthorities === undefined ? undefined : await readAuthorities(host, host.clientAuthorities)
  return {
    certificate,
    context: contextOf(host, files.certificate, pem, minVersion, { authorities, ticketKeys }),
    warnings: warningsOf(host, files.certificate, certificate, now),
    doubt: chainDoubt(files.certificate, pem.certificate),
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
export async function versionOf(files: CertificateFiles, { clientAuthorities }: CertificateHost): Promise<string> {
  const times = [files.certificate, files.key, clientAuthorities].map(async (path) => {
    if (path === undefined) return 'none'
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
      `The certificate of ${host.domain} cannot be used, because ${path} cannot be read: ${whyUnread(error)}.`,
      { cause: error },
    )
  }
}

function whyUnread(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file; put it there, or name another one in the configuration'
    case 'EACCES':
    case 'EPERM':
      return 'this user may not; change its owner or mode'
    case 'EISDIR':
      return 'it is a folder; name the file in the configuration'
    default:
      return wordsOf(error)
  }
}

/** Who vouches for the host's users. Rejects with a CertificateError. */
export async function readAuthorities(host: CertificateHost, path: string): Promise<ClientAuthorities> {
  const pem = await read(host, path)
  try {
    // OpenSSL passes over what it does not understand.
    if (certificatesIn(pem).length === 0) throw new Error('no certificate')
  } catch (error) {
    throw new CertificateError(
      `The certificates of clients of ${host.domain} cannot be verified, because ${path} holds no certificates of authorities in PEM form: put them there, or name another file in the configuration.`,
      { cause: error },
    )
  }
  return { domain: host.domain, pem }
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
    throw unfit(
      files.certificate,
      'holds no certificate in PEM form: name the file that does in the configuration',
      error,
    )
  }
  let fits: boolean
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(pem.key))
  } catch (error) {
    throw unfit(
      files.key,
      'holds no private key in PEM form that can be read without a password: name the file that does, or take the password off it',
      error,
    )
  }
  if (fits) return certificate
  const others = certificatesIn(pem.certificate).slice(1)
  if (others.some((other) => other.checkPrivateKey(createPrivateKey(pem.key))))
    throw unfit(files.certificate, 'holds its certificates in the wrong order: put the one of the key first')
  throw unfit(files.key, `is not the key of ${files.certificate}: name the one that this certificate was made with`)
}

function contextOf(
  host: CertificateHost,
  file: string,
  pem: { certificate: string; key: string },
  minVersion: TlsVersion,
  more: Parameters<typeof secureContext>[2],
): SecureContext {
  try {
    return secureContext(pem, minVersion, more)
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
      `The certificate of ${host.domain} is valid only from ${from.toISOString().slice(0, 10)}: until then clients will refuse it; set the clock of this machine if it is wrong, or put another one into ${file}.`,
    )
  }
  const name = asciiOf(host).replaceAll(/^\[|\]$/g, '')
  if ((isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) === undefined) {
    warnings.push(`The certificate in ${file} does not name ${host.domain}: clients will refuse it; get one that does.`)
  }
  return warnings
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
