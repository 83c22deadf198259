import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import * as z from 'zod'
import { duration, endpoint, size } from './config/fields.ts'
import { hostsSchema } from './config/hosts.ts'
import { isNetwork } from './config/networks.ts'
import { ConfigError, problemsOf, wording } from './config/problem.ts'
import type { Problem } from './config/problem.ts'
import { isUrl } from './config/bearer.ts'
import { describePath, readYaml } from './config/yaml.ts'
import type { Module } from './module.ts'
import type { Endpoint } from './transport/network.ts'

/** Marks a configuration whose defaults are filled in, so that it is not taken for one as written. */
const complete = Symbol('complete')

/** As written: whatever is left out has its default. Times are '10 min' or seconds, sizes '4 MiB' or bytes. */
export type ConfigInput = z.input<ReturnType<typeof configSchema>> & { readonly [complete]?: never }
/** As used: nothing is missing, times are in milliseconds, sizes in bytes, paths absolute. */
export type Config = Readonly<z.output<ReturnType<typeof configSchema>>> & { readonly [complete]: true }
export type HostConfig = Config['hosts'][string]
export type Limits = Config['limits']

const count = (least = 1) => z.int().min(least).max(1_000_000_000)
const text = () => z.string().min(1)

/** The configuration of a server that has these modules. */
export function configSchema(modules: readonly Module[]) {
  return z.strictObject({
    data: text()
      .describe('Folder of the journal, the database and the control socket; relative to this file.')
      .default('./data'),
    hosts: hostsSchema(modules).describe('The domains served, by name.').prefault({ localhost: {} }),
    listen: z
      .strictObject({
        xmpp: endpoint().describe('XMPP over TCP with STARTTLS.').prefault(5222),
        xmpps: endpoint().describe('XMPP over direct TLS (XEP-0368).').prefault(5223),
        http: endpoint().describe('HTTP: WebSocket, BOSH, files, host-meta, /metrics and /health.').prefault(5280),
        https: endpoint().describe('The same over TLS.').prefault(5281),
        component: endpoint('127.0.0.1')
          .describe(
            'Components (XEP-0114), where a host has some; in clear, therefore at 127.0.0.1 unless an address is given.',
          )
          .prefault(5347),
        componentTls: endpoint().describe('The same over direct TLS.').prefault(false),
      })
      .describe('Where to listen: a port, { port, address }, or false; port 0 takes a free one and prints it.')
      .prefault({}),
    tls: z
      .strictObject({
        minimum: z
          .enum(['TLSv1.2', 'TLSv1.3'])
          .describe('The oldest version of TLS that is accepted.')
          .default('TLSv1.2'),
      })
      .describe('Encryption of connections.')
      .prefault({}),
    storage: z
      .strictObject({
        durability: z
          .enum(['process', 'power'])
          .describe(
            'What acknowledged messages survive: the death of the process, or a power cut as well, which is slower.',
          )
          .default('process'),
      })
      .describe('How data is kept.')
      .prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
          .describe('The least grave event that is logged; only trace shows what messages say.')
          .default('info'),
        format: z
          .enum(['auto', 'pretty', 'json'])
          .describe('How events are printed; auto is pretty on a terminal and json elsewhere.')
          .default('auto'),
      })
      .describe('The log on standard output.')
      .prefault({}),
    metrics: z
      .strictObject({
        allow: z
          .array(
            text().refine(isNetwork, { error: "expected loopback, an address, or a network such as '10.0.0.0/8'" }),
          )
          .describe(
            'Who may ask: loopback, addresses, networks such as 10.0.0.0/8. What a reverse proxy passes on for others (X-Forwarded-For, Forwarded, X-Real-IP, Via) is refused.',
          )
          .default(['loopback']),
      })
      .describe('/metrics (for Prometheus) and /health on the HTTP ports.')
      .prefault({}),
    limits: z
      .strictObject({
        stanzaBytes: size({ min: '10000 B', max: '64 MiB' })
          .describe('Longest stanza of a client that has logged in.')
          .prefault('256 KiB'),
        unauthenticatedStanzaBytes: size({ min: '10000 B', max: '1 MiB' })
          .describe('Longest element before login.')
          .prefault('16 KiB'),
        depth: count(8).describe('Most elements nested in one another.').default(64),
        attributes: count(8).describe('Most attributes of one element.').default(64),
        unauthenticatedTime: duration({ min: '1 s' })
          .describe('Time in which a client must have logged in.')
          .prefault('30 s'),
        authenticationAttempts: count().describe('Failed logins after which a connection is closed.').default(3),
        authenticationDelay: duration({ max: '60 s' })
          .describe(
            'Wait before a failed login is answered, doubled with each further failure from the same address (of IPv6, the same /64).',
          )
          .prefault('1 s'),
        authenticationDelayMax: duration({ max: '60 s' }).describe('Longest such wait.').prefault('30 s'),
        connections: count().describe('Most connections at once.').default(100_000),
        connectionsPerAddress: count()
          .describe('Most connections at once from one address (of IPv6, from one /64).')
          .default(1000),
        unauthenticatedConnections: count()
          .describe(
            'Most connections at once that have not logged in; a tenth of them from one address (of IPv6, from one /64) that is not this machine’s.',
          )
          .default(2000),
        inboundBytesPerSecond: size({ min: '1 KiB' })
          .describe('Rate at which one connection is read in the long run; a faster client waits, nothing is lost.')
          .prefault('64 KiB'),
        inboundBurstBytes: size({ min: '10000 B' })
          .describe('What one connection may send at full speed before that rate holds.')
          .prefault('2 MiB'),
        stanzasPerSecond: count()
          .describe('Stanzas handled of one connection in the long run; a faster client waits, nothing is lost.')
          .default(50),
        stanzasBurst: count()
          .describe('Stanzas handled of one connection at full speed before that rate holds.')
          .default(1000),
        outboundBytes: size({ min: '64 KiB' })
          .describe(
            'Most that is held for a connection that does not read; beyond that it is cut, and its session waits to be resumed.',
          )
          .prefault('4 MiB'),
        resourcesPerAccount: count().describe('Most sessions of one account at once.').default(20),
        component: z
          .strictObject({
            inboundBytesPerSecond: size({ min: '1 KiB' })
              .describe('Instead of limits.inboundBytesPerSecond.')
              .prefault('4 MiB'),
            inboundBurstBytes: size({ min: '10000 B' })
              .describe('Instead of limits.inboundBurstBytes.')
              .prefault('16 MiB'),
            stanzasPerSecond: count().describe('Instead of limits.stanzasPerSecond.').default(2000),
            stanzasBurst: count().describe('Instead of limits.stanzasBurst.').default(10_000),
            outboundBytes: size({ min: '64 KiB' })
              .describe('Most that is held for a component that does not read; beyond that it is cut.')
              .prefault('64 MiB'),
          })
          .describe('What differs for a component, which speaks for many.')
          .prefault({}),
      })
      .describe('What one client, and all together, may take.')
      .prefault({}),
    resumption: z
      .strictObject({
        time: duration({ max: '24 h' })
          .describe('How long a broken session waits for its client to come back.')
          .prefault('10 min'),
        queue: count()
          .describe(
            'Most unacknowledged stanzas kept for one session; a client that is connected may have eight times as many for a minute.',
          )
          .default(1000),
        queueBytes: size({ min: '64 KiB' }).describe('Most bytes of them.').prefault('4 MiB'),
        location: text()
          .regex(/^(?:\[[0-9a-f:.]+\]|[^\s:[\]]+)(?::\d{1,5})?$/i, {
            error: "expected host, or host:port, such as 'node1.example.org:5222'",
          })
          .describe(
            'Where clients are told to come back to first, host or host:port; by default wherever they find the domain.',
          )
          .optional(),
      })
      .describe('Sessions that outlive their connection (XEP-0198).')
      .prefault({}),
    tokens: z
      .strictObject({
        lifetime: duration({ min: '1 h' })
          .describe('How long a client may stay away before it must log in with its password again.')
          .prefault('21 d'),
        perAccount: count().describe('Most clients of one account that have one.').default(25),
      })
      .describe('Tokens with which clients log in instead of passwords (XEP-0484).')
      .prefault({}),
    keepalive: z
      .strictObject({
        idle: duration({ min: '5 s' })
          .describe('Silence after which a client is asked for a sign of life.')
          .prefault('5 min'),
        timeout: duration({ min: '1 s' })
          .describe('How long that answer may take before the connection counts as broken.')
          .prefault('60 s'),
      })
      .describe('Finding out that a connection is dead.')
      .prefault({}),
  })
}

/** Fills in what an embedder leaves out; relative paths start at `folder`. A complete configuration is returned as it is. @throws {ConfigError} */
export function configFrom(input: ConfigInput | Config, modules: readonly Module[], folder = process.cwd()): Config {
  if (complete in input && input[complete]) return input
  return accept(input, modules, folder, (problem) => `${describePath(problem)}${problem.sentence}`)
}

/** Reads the configuration's text; relative paths start at the folder of `fileName`. @throws {ConfigError} */
export function parseConfig(source: string, fileName: string, modules: readonly Module[]): Config {
  const yaml = readYaml(source, fileName)
  return accept(yaml.value, modules, dirname(resolve(fileName)), yaml.locate)
}

/** Reads the configuration file; without one, everything has its default. @throws {ConfigError} */
export function readConfig(file: string | undefined, modules: readonly Module[]): Config {
  if (file === undefined) return configFrom({}, modules)
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new ConfigError(
      `the configuration file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}): check --config`,
      { cause: error },
    )
  }
  return parseConfig(textOf(bytes, file), file, modules)
}

/** @throws {ConfigError} */
function textOf(bytes: Buffer, file: string): string {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    return decoder.decode(bytes)
  } catch (error) {
    const [before = ''] = bytes.toString().split('\uFFFD', 1)
    const line = before.split('\n').length
    throw new ConfigError(`${file}:${line}: the file is not UTF-8 text: save it as UTF-8`, { cause: error })
  }
}

function accept(input: unknown, modules: readonly Module[], folder: string, say: (problem: Problem) => string): Config {
  const result = configSchema(modules).safeParse(input, { error: wording })
  if (!result.success) throw new ConfigError(problemsOf(result.error).map(say).join('\n'))
  const config = result.data
  const twice = sharedPort(config.listen)
  if (twice) throw new ConfigError(say(twice))
  for (const host of Object.values(config.hosts)) {
    if (host.clientAuthorities !== undefined) host.clientAuthorities = resolve(folder, host.clientAuthorities)
    const { accounts, certificate, bearer } = host
    for (const source of [accounts?.ldap, accounts?.http]) resolveFiles(source, folder)
    if (bearer !== undefined && !isUrl(bearer.keys)) bearer.keys = resolve(folder, bearer.keys)
    if (certificate === undefined) continue
    certificate.key = resolve(folder, certificate.key)
    certificate.cert = resolve(folder, certificate.cert)
  }
  return { ...config, data: resolve(folder, config.data), [complete]: true }
}

/** Makes the paths of the files that it names start at the folder. */
function resolveFiles(source: { [K in FileField]?: string | undefined } | undefined, folder: string): void {
  for (const name of fileFields) if (source?.[name] !== undefined) source[name] = resolve(folder, source[name])
}

const fileFields = ['ca', 'passwordFile', 'secretFile'] as const
type FileField = (typeof fileFields)[number]

/** Two listeners that want the same port: the second would find it taken. */
function sharedPort(listen: Config['listen']): Problem | undefined {
  const taken: (readonly [name: string, endpoint: Endpoint])[] = []
  for (const [name, wanted] of Object.entries(listen)) {
    if (wanted === false || wanted.port === 0) continue
    const other = taken.find(
      ([, { port, address }]) =>
        port === wanted.port && (address === wanted.address || address === '::' || wanted.address === '::'),
    )
    if (other) {
      const sentence = `port ${wanted.port} is that of ${other[0]} already: choose another one`
      return { path: ['listen', name], isName: false, sentence }
    }
    taken.push([name, wanted])
  }
  return undefined
}
