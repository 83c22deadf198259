import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isOpen } from '../is-open.ts'

const programs = { slapd: '/usr/sbin/slapd', slapadd: '/usr/sbin/slapadd', openssl: '/usr/bin/openssl' } as const

export const hasSlapd = Object.values(programs).every((file) => existsSync(file))

export const base = 'dc=home,dc=test'
export const people = `ou=people,${base}`
export const service = { dn: `cn=jackdaw,${base}`, password: 'the password of Jackdaw' }
/** Who may change everything. */
export const root = { dn: `cn=root,${base}`, password: 'the password of root' }

/** What stands in an entry of somebody. */
export interface Person {
  readonly uid: string
  readonly password?: string
  /** More lines of LDIF. */
  readonly more?: readonly string[]
}

/** OpenLDAP's slapd on a free port of 127.0.0.1 and, with TLS, on another one; its data in a temporary folder. */
export class Slapd {
  readonly folder: string
  readonly port: number
  readonly tlsPort: number
  #process: ChildProcess | undefined
  /** What it wrote. */
  log = ''

  private constructor(folder: string, port: number, tlsPort: number) {
    this.folder = folder
    this.port = port
    this.tlsPort = tlsPort
  }

  static async start(persons: readonly Person[]): Promise<Slapd> {
    const folder = await mkdtemp(join(tmpdir(), 'jackdaw-ldap-'))
    const slapd = new Slapd(folder, await freePort(), await freePort())
    try {
      await slapd.#prepare(persons)
      await slapd.start()
    } catch (error) {
      await slapd.remove()
      throw error
    }
    return slapd
  }

  /** The certificate of localhost, a PEM file. */
  get certificate(): string {
    return join(this.folder, 'tls.crt')
  }

  /** A file with the password of the service. */
  get passwordFile(): string {
    return join(this.folder, 'password')
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const urls = `ldap://127.0.0.1:${this.port} ldaps://127.0.0.1:${this.tlsPort}`
    const child = spawn(programs.slapd, ['-f', join(this.folder, 'slapd.conf'), '-h', urls, '-d', 'stats'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    process.once('exit', () => child.kill('SIGKILL'))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    while (!(await isOpen(this.port)) || !(await isOpen(this.tlsPort))) {
      if (child.exitCode !== null) throw new Error(`slapd has ended: ${this.log}`)
      await delay(50)
    }
  }

  /** SIGKILL; connections break. Its data stays. */
  async stop(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const dead = once(child, 'close')
    child.kill('SIGKILL')
    await dead
  }

  /** Stands still (SIGSTOP): connections stay, and nothing is answered. */
  pause(): void {
    this.#process!.kill('SIGSTOP')
  }

  resume(): void {
    this.#process!.kill('SIGCONT')
  }

  async remove(): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #prepare(persons: readonly Person[]): Promise<void> {
    const at = (name: string) => join(this.folder, name)
    await mkdir(at('data'))
    execFileSync(
      programs.openssl,
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', at('tls.key'), '-out', this.certificate],
      ],
      { stdio: 'ignore' },
    )
    await writeFile(this.passwordFile, `${service.password}\n`, { mode: 0o600 })
    const schemas = ['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`)
    await writeFile(
      at('slapd.conf'),
      [
        ...schemas,
        'modulepath /usr/lib/ldap',
        'moduleload back_mdb',
        `pidfile ${at('pid')}`,
        `TLSCertificateFile ${this.certificate}`,
        `TLSCertificateKeyFile ${at('tls.key')}`,
        // What RFC 4513 §5.1.2 warns of: a name without a password is taken, as nobody.
        'allow bind_anon_dn',
        'database mdb',
        `suffix "${base}"`,
        `rootdn "${root.dn}"`,
        `rootpw "${root.password}"`,
        `directory ${at('data')}`,
        'access to attrs=userPassword by anonymous auth by * none',
        `access to * by dn.exact="${service.dn}" read by anonymous auth by * none`,
        '',
      ].join('\n'),
    )
    const entries = [
      [`dn: ${base}`, 'objectClass: dcObject', 'objectClass: organization', 'o: Home', 'dc: home'],
      [`dn: ${people}`, 'objectClass: organizationalUnit', 'ou: people'],
      [
        `dn: ${service.dn}`,
        'objectClass: organizationalRole',
        'objectClass: simpleSecurityObject',
        'cn: jackdaw',
        `userPassword: ${service.password}`,
      ],
      // Leads to another server.
      [
        `dn: ou=elsewhere,${people}`,
        'objectClass: referral',
        'objectClass: extensibleObject',
        'ou: elsewhere',
        'ref: ldap://127.0.0.1:9/ou=elsewhere',
      ],
      ...persons.map(entryOf),
    ]
    await writeFile(at('data.ldif'), `${entries.map((lines) => lines.join('\n')).join('\n\n')}\n`)
    execFileSync(programs.slapadd, ['-f', at('slapd.conf'), '-l', at('data.ldif')], { stdio: 'pipe' })
  }
}

function entryOf({ uid, password, more = [] }: Person, at: number): string[] {
  const encoded = (text: string) => `: ${Buffer.from(text).toString('base64')}`
  return [
    `dn: cn=person ${at},${people}`,
    'objectClass: inetOrgPerson',
    `cn: person ${at}`,
    'sn: person',
    `uid:${encoded(uid)}`,
    ...(password === undefined ? [] : [`userPassword:${encoded(password)}`]),
    ...more,
  ]
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
