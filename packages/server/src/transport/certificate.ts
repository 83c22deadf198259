import type { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecureContext } from 'node:tls'
import { domainToASCII } from 'node:url'
import type { Logger } from 'pino'
import type { Awaitable, Clock } from '../world.ts'
import {
  asciiOf,
  CertificateError,
  isOwn,
  put,
  readCertificate,
  readOwn,
  versionOf,
  wordsOf,
  type CertificateFiles,
  type CertificateHost,
} from './certificate-file.ts'
import type { SecureContexts, TlsVersion } from './tls.ts'

const day = 86_400_000

export interface CertificatesOptions {
  /** Where self-made certificates are kept. */
  readonly folder: string
  /** The first is the one shown to clients that name no host. */
  readonly hosts: readonly CertificateHost[]
  readonly minVersion: TlsVersion
  readonly clock: Clock
  readonly log: Logger
  /** 48 bytes that are others each day, counted since the Unix epoch: the keys of TLS session tickets. */
  readonly ticketKeys: (day: number) => Awaitable<Buffer>
  /** Milliseconds between two looks at the files; 5 s by default. */
  readonly interval?: number
}

/** What `jackdaw check` tells of one host's certificate. */
export interface CertificateFacts {
  readonly domain: string
  readonly file: string
  readonly isSelfMade: boolean
  readonly certificate: X509Certificate
  /** What a client will stumble over, one sentence each. */
  readonly warnings: readonly string[]
}

interface Loaded extends CertificateFacts {
  readonly context: SecureContext
  readonly version: string
  /** The day of its ticket keys. */
  readonly ticketDay: number | undefined
}

/** The certificates of all hosts; follows their files as they change. */
export class Certificates implements SecureContexts {
  readonly #options: CertificatesOptions
  #hosts: readonly CertificateHost[]
  /** By domain in ASCII. */
  readonly #loaded = new Map<string, Loaded>()
  /** What is known to be bad, so that it is logged once. */
  readonly #bad = new Map<string, string>()
  #cancel: (() => void) | undefined
  #isClosed = false
  /** One look after the other. */
  #turn: Promise<void> = Promise.resolve()

  private constructor(options: CertificatesOptions) {
    this.#options = options
    this.#hosts = options.hosts
  }

  /** Rejects with a CertificateError when one of them cannot be used. */
  static async open(options: CertificatesOptions): Promise<Certificates> {
    const certificates = new Certificates(options)
    for (const host of options.hosts) await certificates.#load(host)
    certificates.#look()
    return certificates
  }

  get fallback(): SecureContext {
    return this.#loaded.values().next().value!.context
  }

  get hasChoice(): boolean {
    return this.#loaded.size > 1
  }

  get asksClients(): boolean {
    return this.#hosts.some(({ clientAuthorities }) => clientAuthorities !== undefined)
  }

  find(domain: string): SecureContext | undefined {
    for (
      let name = domainToASCII(domain);
      name !== '';
      name = name.includes('.') ? name.slice(name.indexOf('.') + 1) : ''
    ) {
      const found = this.#loaded.get(name)
      if (found) return found.context
    }
    return undefined
  }

  get facts(): readonly CertificateFacts[] {
    return [...this.#loaded.values()]
  }

  /**
   * Looks at the files now. A new certificate serves new connections; a bad one leaves the old in place and is logged. Given `hosts`, serves
   * these from now on; rejects with a CertificateError, changing nothing, when a new one has no usable certificate.
   */
  reload(hosts?: readonly CertificateHost[]): Promise<void> {
    const done = this.#turn.then(() => this.#reload(hosts ?? this.#hosts))
    this.#turn = done.catch(() => {})
    return done
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  async #reload(hosts: readonly CertificateHost[]): Promise<void> {
    const before = this.#hosts
    const kept = new Map(this.#loaded)
    this.#hosts = hosts
    try {
      for (const host of hosts) await this.#refresh(host)
    } catch (error) {
      this.#hosts = before
      this.#replace(kept)
      throw error
    }
    const now = new Map(hosts.map((host) => [asciiOf(host), this.#loaded.get(asciiOf(host))!]))
    this.#replace(now)
  }

  #replace(loaded: ReadonlyMap<string, Loaded>): void {
    this.#loaded.clear()
    for (const [name, one] of loaded) this.#loaded.set(name, one)
  }

  #look(): void {
    if (this.#isClosed) return
    this.#cancel = this.#options.clock.after(this.#options.interval ?? 5_000, () => {
      this.reload().then(
        () => this.#look(),
        (error: unknown) => {
          this.#options.log.error({ err: error }, 'the certificates could not be looked at')
          this.#look()
        },
      )
    })
  }

  async #refresh(host: CertificateHost): Promise<void> {
    const name = asciiOf(host)
    const old = this.#loaded.get(name)
    const files = this.#filesOf(host)
    const version = await versionOf(files, host)
    // What is bad is tried again, and logged again, on the next day.
    const attempt = `${version} ${Math.floor(this.#options.clock.now() / day)}`
    const isDue = old?.isSelfMade === true && this.#isDue(old.certificate)
    const isNew = old?.version !== version || isDue
    const isCurrent = (!isNew && old?.ticketDay === this.#ticketDay) || this.#bad.get(name) === attempt
    if (old?.file === files.certificate && isCurrent) return
    try {
      await this.#load(host)
      this.#bad.delete(name)
      if (old && isNew)
        this.#options.log.info({ host: host.domain, file: files.certificate }, 'a certificate has been renewed')
    } catch (error) {
      if (!(error instanceof CertificateError) || !old || old.file !== files.certificate) throw error
      this.#bad.set(name, attempt)
      this.#options.log.error({ host: host.domain }, `${error.message} The certificate in use is kept.`)
    }
  }

  async #load(host: CertificateHost): Promise<void> {
    const files = this.#filesOf(host)
    if (!host.files) await this.#makeIfDue(host, files)
    const { clock, log, minVersion, ticketKeys } = this.#options
    const ticketDay = this.#ticketDay
    // Taken first: what changes while it is read is read again at the next look.
    const version = await versionOf(files, host)
    const { certificate, context, warnings, doubt } = await readCertificate(host, files, {
      minVersion,
      now: clock.now(),
      ticketKeys: ticketDay === undefined ? undefined : await ticketKeys(ticketDay),
    })
    for (const warning of doubt === undefined ? warnings : [...warnings, doubt])
      log.warn({ host: host.domain }, warning)
    this.#loaded.set(asciiOf(host), {
      domain: host.domain,
      file: files.certificate,
      isSelfMade: !host.files && isOwn(certificate),
      certificate,
      warnings,
      version,
      ticketDay,
      context,
    })
  }

  /**
   * Whose keys are in use. None where clients show certificates: a session that one host's authorities have let in could be resumed at
   * another, for OpenSSL looks at tickets before it knows the host.
   */
  get #ticketDay(): number | undefined {
    return this.asksClients ? undefined : Math.floor(this.#options.clock.now() / day)
  }

  #filesOf(host: CertificateHost): CertificateFiles {
    // An IPv6 literal's colons are not for every file system.
    const base = join(this.#options.folder, asciiOf(host).replaceAll(/[^a-z0-9.-]/g, '_'))
    return host.files ?? { certificate: `${base}.crt`, key: `${base}.key` }
  }

  #isDue(certificate: X509Certificate): boolean {
    return certificate.validToDate.getTime() - this.#options.clock.now() < 30 * day
  }

  async #makeIfDue(host: CertificateHost, files: CertificateFiles): Promise<void> {
    const { folder, clock, log } = this.#options
    const found = await readOwn(files)
    if (found === 'foreign' || (found && !this.#isDue(found))) return
    const { selfSigned } = await import('./self-signed.ts')
    const made = await selfSigned(asciiOf(host), clock.now())
    try {
      // Not the data folder: one that is gone must not seem to be there again.
      if (!existsSync(folder)) await mkdir(folder, { mode: 0o700 })
      await put(files.key, made.key, 0o600)
      await put(files.certificate, made.certificate, 0o644)
    } catch (error) {
      throw new CertificateError(
        `The certificate of ${host.domain} cannot be written to ${folder}: ${wordsOf(error)}.`,
        { cause: error },
      )
    }
    log.info({ host: host.domain, file: files.certificate }, 'a self-signed certificate has been made')
  }
}
