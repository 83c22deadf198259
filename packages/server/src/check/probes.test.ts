import { accessSync, chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configFrom } from '../config.ts'
import type { ConfigInput } from '../config.ts'
import type { Module } from '../module.ts'
import { userService } from '../sources/fixture.ts'
import { selfSigned } from '../transport/self-signed.ts'
import { certificates } from './certificates.ts'
import { clock } from './clock.ts'
import { components } from './components.ts'
import { disk } from './disk.ts'
import { dns } from './dns.ts'
import type { Scene, SrvRecord } from './finding.ts'
import { brief, nowhere, now as NOW, scene as wholeScene, sceneOf } from './fixture.ts'
import { openings } from './openings.ts'
import { permissions } from './permissions.ts'
import { ports } from './ports.ts'
import { sources } from './sources.ts'

const DAY = 86_400_000
const start = () => undefined
const modules: readonly Module[] = [
  { name: 'register', xeps: ['XEP-0077 2.4'], isOptIn: true, start },
  { name: 'privilege', start },
  { name: 'delegation', start },
]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackdaw-check-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function scene(input: ConfigInput = {}, more: Partial<Scene> = {}): Scene {
  const config = configFrom({ data: join(folder, 'data'), ...input }, modules)
  return sceneOf(config, modules, more)
}

describe('certificates', () => {
  async function found(
    name: string,
    from: number,
    change?: (pem: { certificate: string; key: string }) => void,
  ): Promise<unknown> {
    const pem = await selfSigned(name, from)
    change?.(pem)
    writeFileSync(join(folder, 'a.pem'), pem.certificate)
    writeFileSync(join(folder, 'a.key'), pem.key)
    const certificate = { key: join(folder, 'a.key'), cert: join(folder, 'a.pem') }
    return brief(await certificates(scene({ hosts: { 'a.example': { certificate } } })))
  }
  // Made on the day `from`, they are good from the day before, for 825 days.
  const good = (from: number) => new Date(from + 824 * DAY).toISOString().slice(0, 10)

  test('a good one', async () =>
    expect(await found('a.example', NOW)).toEqual([['ok', `It is good until ${good(NOW)}.`]]))
  test('one that has expired', async () => {
    const from = NOW - 825 * DAY
    expect(await found('a.example', from)).toEqual([
      ['fail', expect.stringMatching(`^The certificate of a.example expired on ${good(from)}: .* put a new one into`)],
    ])
  })
  test('one that expires in 13 days, and in 15', async () => {
    const from = NOW - 811 * DAY
    expect(await found('a.example', from)).toEqual([
      ['warn', `It expires on ${good(from)}: renew it and put the new one into ${join(folder, 'a.pem')}.`],
    ])
    expect(await found('a.example', from + 2 * DAY)).toEqual([['ok', `It is good until ${good(from + 2 * DAY)}.`]])
  })
  test('one for another name', async () =>
    expect(await found('b.example', NOW)).toEqual([['fail', expect.stringContaining('does not name a.example')]]))
  test('one with the key of another', async () => {
    const other = await selfSigned('a.example', NOW)
    expect(await found('a.example', NOW, (pem) => void (pem.key = other.key))).toEqual([
      ['fail', expect.stringContaining('is not the key of')],
    ])
  })
  test('none in the file', async () => {
    expect(await found('a.example', NOW, (pem) => void (pem.certificate = 'hello'))).toEqual([
      ['fail', expect.stringContaining('holds no certificate in PEM form')],
    ])
  })
  test('no file', async () => {
    const certificate = { key: join(folder, 'none.key'), cert: join(folder, 'none.pem') }
    expect(brief(await certificates(scene({ hosts: { 'a.example': { certificate } } })))).toEqual([
      ['fail', expect.stringContaining(`${join(folder, 'none.pem')} cannot be read`)],
    ])
  })
  test('authorities of clients that cannot be read, or are none', async () => {
    const file = join(folder, 'authorities.pem')
    const look = async () =>
      (await certificates(scene({ hosts: { localhost: { clientAuthorities: file } } }))).map(
        ({ title, level, sentence }) => [title, level, sentence],
      )
    const fail = (why: string) => [
      ['client certificates of localhost', 'fail', expect.stringContaining(`${file} ${why}`)],
      expect.anything(),
    ]
    expect(await look()).toEqual(fail('cannot be read: there is no such file'))
    writeFileSync(file, 'hello')
    expect(await look()).toEqual(fail('holds no certificates of authorities'))
    writeFileSync(file, (await selfSigned('a.example', NOW)).certificate)
    expect(await look()).toHaveLength(1)
  })
  test('domains below the host that it does not name are told', async () => {
    const { certificate, key } = await selfSigned('a.example', NOW)
    const files = { key: join(folder, 'a.key'), cert: join(folder, 'a.pem') }
    writeFileSync(files.cert, certificate)
    writeFileSync(files.key, key)
    const all = wholeScene(folder, { hosts: { 'a.example': { certificate: files, modules: { upload: false } } } })
    expect(brief(await certificates(all))).toEqual([
      [
        'ok',
        `It is good until ${good(NOW)}; that it does not name pubsub.a.example, rooms.a.example matters to no client.`,
      ],
    ])
  })
  test('our own does for localhost, but not for the world', async () => {
    expect(
      (await certificates(scene({ hosts: { localhost: {}, 'a.example': {} } }))).map(({ level }) => level),
    ).toEqual(['ok', 'warn'])
  })
})

describe('ports', () => {
  const only = (port: number) => ({
    listen: { xmpp: { port, address: '127.0.0.1' }, xmpps: false, http: false, https: false } as const,
  })

  /** On a port that the system gives to nobody by itself: once it is free again it stays so. */
  async function listeningApart(): Promise<Server> {
    for (let port = 20_000 + (process.pid % 10_000); ; port++) {
      const server = createServer()
      const isListening = await new Promise<boolean>((resolve) => {
        server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
      })
      if (isListening) return server
    }
  }

  test('one that is taken by another program, by the running server, and one that is free', async () => {
    const server = await listeningApart()
    const { port } = server.address() as AddressInfo
    const taken = await ports(scene(only(port)))
    const own = await ports(scene(only(port), { running: [{ name: 'xmpp', address: '127.0.0.1', port }] }))
    await new Promise((resolve) => server.close(resolve))
    expect(taken).toEqual([
      {
        title: `port ${port} (xmpp)`,
        level: 'fail',
        sentence: `Port ${port} is taken by another program: stop that program, or set another port in the configuration.`,
      },
    ])
    expect(brief(own)).toEqual([['ok', 'The running server listens there.']])
    expect(brief(await ports(scene(only(port))))).toEqual([['ok', 'It is free.']])
  })
  test('an address that this machine has not', async () => {
    const listen = { xmpp: { port: 0, address: '192.0.2.1' }, xmpps: false, http: false, https: false } as const
    expect(brief(await ports(scene({ listen })))).toEqual([
      ['fail', expect.stringContaining('has no address 192.0.2.1')],
    ])
  })
})

describe('accounts that another system keeps', () => {
  const look = async ({ url, secretFile }: { url: string; secretFile?: string }) => {
    const http = { url, ...(secretFile !== undefined && { secretFile }) }
    return brief(await sources(scene({ hosts: { 'a.example': { accounts: { http } } } })))
  }

  test('a host with its own has nobody to ask', async () => expect(await sources(scene())).toEqual([]))
  test('a service that answers, and one that does not', async () => {
    const service = await userService()
    expect(await look(service)).toEqual([['ok', expect.stringMatching(/^the service http:\/\/localhost:\d+ answers/)]])
    await service.stop()
    expect(await look(service)).toEqual([['fail', expect.stringMatching(/does not answer \(.*ECONNREFUSED.*\)/)]])
  })
  test('a service to which everybody exists, or every password is right', async () => {
    const service = await userService()
    service.answer = (response) => response.end('{"exists":true}')
    expect(await look(service)).toEqual([['fail', expect.stringContaining('anybody exists')]])
    service.answer = (response) => response.end('{"exists":false,"valid":true}')
    expect(await look(service)).toEqual([['fail', expect.stringContaining('any password is right')]])
  })
  test('a secret that everybody may read, and one that is not there', async () => {
    const { url } = await userService()
    const secretFile = join(folder, 'secret')
    await expect(look({ url, secretFile })).rejects.toThrow(/cannot be read \(ENOENT\)/)
    writeFileSync(secretFile, 'hush\n')
    chmodSync(secretFile, 0o644)
    expect(await look({ url, secretFile })).toEqual([
      ['ok', expect.anything()],
      ['fail', expect.stringContaining(`chmod 600 '${secretFile}'`)],
    ])
    writeFileSync(secretFile, '\n')
    await expect(look({ url, secretFile })).rejects.toThrow('is empty')
  })
})

describe('components', () => {
  const named = (secret: string) => ({ 'a.example': { components: { 'irc.a.example': { secret } } } })
  const look = async (input: ConfigInput, more?: Partial<Scene>) => brief(await components(scene(input, more)))

  test('a host without any needs nothing, and nothing listens for them', async () => {
    expect(await look({})).toEqual([])
    const only = { xmpp: false, xmpps: false, http: false, https: false } as const
    expect(await ports(scene({ listen: only }))).toEqual([])
    const titles = (await ports(scene({ listen: { ...only, component: 0 }, hosts: named('x') }))).map(
      ({ title }) => title,
    )
    expect(titles).toEqual(['port 0 (component)'])
  })
  test('secrets that can be guessed, and those that cannot', async () => {
    expect(await look({ hosts: named('0123456789abcde') })).toEqual([
      ['warn', expect.stringContaining('can be guessed')],
    ])
    expect(await look({ hosts: named('0123456789abcdef') })).toEqual([['ok', expect.anything()]])
  })
  test('a port that is open to others, and no port', async () => {
    const hosts = named('0123456789abcdef')
    expect(await look({ hosts, listen: { component: { port: 5347, address: '::' } } })).toEqual([
      ['warn', expect.stringContaining('can be read on the way to ::')],
    ])
    expect(await look({ hosts, listen: { component: false } })).toEqual([
      ['fail', expect.stringContaining('None can connect')],
    ])
    expect(await look({ hosts, listen: { component: false, componentTls: 5348 } })).toEqual([['ok', expect.anything()]])
  })
  test('what is granted while the module for it is switched off', async () => {
    const granting = (configured: Record<string, boolean>) => {
      const butler = {
        secret: '0123456789abcdef',
        privileges: { message: 'outgoing' },
        delegated: { 'urn:x': [] as string[] },
      } as const
      return { hosts: { 'a.example': { components: { 'butler.a.example': butler }, modules: configured } } }
    }
    expect(await look(granting({ privilege: false, delegation: false }))).toEqual([
      ['warn', expect.stringContaining('"privilege" is switched off')],
      ['warn', expect.stringContaining('"delegation" is switched off')],
    ])
    expect(await look(granting({}))).toEqual([['ok', expect.anything()]])
    const { hosts } = granting({ privilege: false, delegation: false })
    expect(
      await look({ hosts: { 'a.example': { ...hosts['a.example'], ...named('0123456789abcdef')['a.example'] } } }),
    ).toEqual([['ok', expect.anything()]])
  })
})

describe('DNS', () => {
  const asked: string[] = []
  const look = async (
    answer: (name: string) => readonly SrvRecord[],
    hosts: ConfigInput['hosts'] = { 'a.example': {} },
  ) => {
    asked.length = 0
    return brief(
      await dns(
        scene(
          { hosts, listen: { xmpps: false } },
          {
            resolveSrv: async (name) => (asked.push(name), answer(name)),
            outside: {
              ...nowhere,
              lookup: (name) => (name.startsWith('gone') ? nowhere.lookup(name) : Promise.resolve(['9.9.9.9'])),
            },
          },
        ),
      ),
    )
  }
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code })
  }
  const record = '_xmpp-client._tcp.a.example. IN SRV 5 0 5222 a.example.'

  test('RFC 6120 §3.2.1: a record that leads here', async () => {
    expect(await look(() => [{ name: 'xmpp.a.example', port: 5222 }])).toEqual([
      ['ok', 'Leads to xmpp.a.example:5222.'],
    ])
    expect(await look(() => [{ name: 'gone.a.example', port: 5222 }])).toEqual([
      [
        'warn',
        `The SRV record leads to gone.a.example, and there is no way there: give it an A or AAAA record, or make it ${record}`,
      ],
    ])
    expect(asked).toEqual(['_xmpp-client._tcp.a.example'])
  })
  test('XEP-0368 §2: direct TLS has its own', async () => {
    const names: string[] = []
    await dns(scene({ hosts: { 'bücher.example': {} } }, { resolveSrv: async (name) => (names.push(name), []) }))
    expect(names).toEqual(['_xmpp-client._tcp.xn--bcher-kva.example', '_xmpps-client._tcp.xn--bcher-kva.example'])
  })
  test('none, one to another port, one that denies the service, and no answer', async () => {
    expect(await look(failing('ENOTFOUND'))).toEqual([['warn', expect.stringContaining(`add ${record}`)]])
    expect(await look(failing('ENODATA'))).toEqual([['warn', expect.stringContaining(`add ${record}`)]])
    expect(await look(() => [{ name: 'a.example', port: 5223 }])).toEqual([
      ['warn', expect.stringContaining('leads to port 5223, and Jackdaw listens on 5222')],
    ])
    expect(await look(() => [{ name: '', port: 0 }])).toEqual([
      ['warn', `The SRV record says that there is no such service: replace it by ${record}`],
    ])
    expect(await look(failing('ETIMEOUT'))).toEqual([
      ['warn', "The DNS could not be asked (ETIMEOUT): check this machine's name servers."],
    ])
  })
  test('RFC 6761 §6.3: nobody is asked about localhost, nor about addresses', async () => {
    expect(await look(() => [], { localhost: {}, 'a.localhost': {}, '127.0.0.1': {}, '[::1]': {} })).toEqual([])
    expect(asked).toEqual([])
  })
})

describe('clock', () => {
  test('before this was written, after the data was written, and right', async () => {
    mkdirSync(join(folder, 'data', 'journal'), { recursive: true })
    const file = join(folder, 'data', 'journal', 'a')
    writeFileSync(file, '')
    for (const path of [file, join(folder, 'data'), join(folder, 'data', 'journal')])
      utimesSync(path, NOW / 1000, NOW / 1000)
    const at = async (now: number) => brief(await clock(scene({}, { clock: { now: () => now } })))
    expect(await at(0)).toEqual([['fail', 'It shows 1970-01-01T00:00:00.000Z, which has passed: set it, best by NTP.']])
    expect(await at(NOW - 120_000)).toEqual([
      ['fail', expect.stringContaining('but data was written at 2027-06-01T00:00:00.000Z')],
    ])
    expect(await at(NOW - 30_000)).toEqual([['ok', 'It shows 2027-05-31T23:59:30.000Z.']])
  })
})

test('disk: tells the room there is where the folder will be', async () => {
  const { bavail, bsize } = statfsSync(folder)
  const [finding] = await disk(scene({ data: join(folder, 'not', 'yet') }))
  expect(Number(/(\d+) MiB/.exec(finding!.sentence)![1])).toBeCloseTo((bavail * bsize) / 1024 ** 2, -3)
  // A file system of no size at all.
  expect(brief(await disk(scene({ data: '/proc/jackdaw' })))).toEqual([
    ['fail', expect.stringMatching(/^Only 0 MiB are free where .*: make room, or set another folder under data.$/)],
  ])
})

describe.skipIf(process.platform === 'win32')('permissions', () => {
  test('a folder for all, for a group, for its owner', async () => {
    const data = join(folder, 'data')
    expect(brief(await permissions(scene()))).toEqual([['ok', `${data} will be made at the first start.`]])
    mkdirSync(data)
    chmodSync(data, 0o755)
    expect(brief(await permissions(scene()))).toEqual([
      ['fail', `Every user of this machine may look into ${data}: run chmod 700 '${data}'.`],
    ])
    chmodSync(data, 0o750)
    expect(brief(await permissions(scene()))).toEqual([
      ['warn', `The group of ${data} may look into it: run chmod 700 '${data}', unless that is meant.`],
    ])
    chmodSync(data, 0o700)
    expect(brief(await permissions(scene()))).toEqual([['ok', `${data} is for this user alone.`]])
  })
  test('no folder', async () => {
    writeFileSync(join(folder, 'data'), '')
    expect(brief(await permissions(scene()))).toEqual([
      ['fail', `${join(folder, 'data')} is no folder: set another one under data.`],
    ])
  })
  test('a folder of another user', async () => {
    chmodSync(folder, 0o500)
    // Root may do anything: what the system tells others is told in its place.
    const refuse = () => {
      throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
    }
    const made = brief(await permissions(scene(), process.getuid?.() === 0 ? refuse : accessSync))
    chmodSync(folder, 0o700)
    expect(made).toEqual([['fail', expect.stringContaining(`this user may not write to ${folder}`)]])
  })
  test('a key that all can read', async () => {
    const key = join(folder, 'a.key')
    writeFileSync(key, '', { mode: 0o644 })
    const hosts = { 'a.example': { certificate: { key, cert: join(folder, 'a.pem') } } }
    expect(brief(await permissions(scene({ hosts })))[1]).toEqual([
      'fail',
      `Every user of this machine may look into ${key}: run chmod 600 '${key}'.`,
    ])
    chmodSync(key, 0o600)
    expect(brief(await permissions(scene({ hosts })))[1]).toEqual(['ok', `${key} is for its owner alone.`])
  })
})

test('openings: metrics for everybody', async () => {
  for (const allow of [['0.0.0.0/0'], ['::/0']])
    expect(brief(await openings(scene({ metrics: { allow } })))[1]).toEqual([
      'warn',
      'Everybody may read /metrics and /health: name those networks under metrics.allow that are to.',
    ])
  expect(await openings(scene({ metrics: { allow: ['10.0.0.0/8'] } }))).toHaveLength(1)
})

test('openings: plaintext, registration and anonymous logins are pointed out', async () => {
  const hosts = {
    'a.example': {},
    'b.example': { plaintext: 'loopback', modules: { register: true } },
    'c.example': { plaintext: true, anonymous: true },
  } as const
  expect(
    (await openings(scene({ hosts }))).map(({ title, level, sentence }) => `${title} ${level} ${sentence}`),
  ).toEqual([
    'host a.example ok Only its accounts log in, over TLS.',
    'host b.example warn Logins without TLS are allowed from this machine: remove plaintext unless this is for tests.',
    'host b.example warn Anybody may make an account: remove modules.register unless that is meant.',
    'host c.example warn Logins without TLS are allowed, and everybody on the way can read them: remove plaintext.',
    'host c.example warn Anybody may log in without an account: remove anonymous unless that is meant.',
  ])
})
