import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { configFrom, parseConfig, readConfig } from './config.ts'
import { subdomain } from './config/fields.ts'
import { isNetwork, networks } from './config/networks.ts'
import { ConfigError } from './config/problem.ts'
import type { Module } from './module.ts'
import { modules as everyModule } from './modules/modules.ts'

const modules: readonly Module[] = [
  {
    name: 'archive',
    config: z.object({
      limit: z.int().min(1).default(50).describe('Most.'),
      deep: z.object({ a: z.boolean().default(true) }).prefault({}),
    }),
    start: () => undefined,
  },
  { name: 'ping', start: () => undefined },
  { name: 'register', isOptIn: true, start: () => undefined },
]

const parse = (text: string) => parseConfig(text, '/etc/jackdaw.yaml', modules)

test('no file is needed', () => {
  const config = readConfig(undefined, modules)
  expect(config.data).toBe(join(process.cwd(), 'data'))
  expect(config.hosts).toEqual({
    localhost: {
      plaintext: false,
      passwordLength: 8,
      anonymous: false,
      components: {},
      roles: expect.anything() as unknown,
      modules: { archive: { limit: 50, deep: { a: true } }, ping: {}, register: false },
    },
  })
  expect(config.listen.xmpp).toEqual({ port: 5222, address: '::' })
  expect(config.limits).toMatchObject({ stanzaBytes: 262_144, unauthenticatedTime: 30_000, authenticationDelay: 1000 })
  expect(config.resumption).toEqual({ time: 600_000, queue: 1000, queueBytes: 4_194_304 })
})

test('an empty file, and a section with nothing in it, are the defaults', () => {
  const config = parse('')
  expect({ ...config, data: '' }).toEqual({ ...readConfig(undefined, modules), data: '' })
  expect(parse('limits:\nhosts:\n  localhost:\n').limits).toEqual(config.limits)
})

test('paths start at the folder of the file', () => {
  const config = parse('data: d\nhosts:\n  a.example:\n    certificate: { key: k.pem, cert: /c.pem }')
  expect(config.data).toBe('/etc/d')
  expect(config.hosts['a.example']!.certificate).toEqual({ key: '/etc/k.pem', cert: '/c.pem' })
})

test('times and sizes are written with units or as seconds and bytes', () => {
  const config = parse(
    'limits: { unauthenticatedTime: 1.5 min, stanzaBytes: 1MiB, authenticationDelay: 0.25 }\nkeepalive: { idle: 90 }',
  )
  expect(config.limits).toMatchObject({ unauthenticatedTime: 90_000, stanzaBytes: 1_048_576, authenticationDelay: 250 })
  expect(config.keepalive.idle).toBe(90_000)
})

test('a listener is a port, a port with an address, or false', () => {
  const { listen } = parse('listen: { xmpp: 0, xmpps: false, http: { port: 80, address: 127.0.0.1 } }')
  expect(listen).toMatchObject({
    xmpp: { port: 0, address: '::' },
    xmpps: false,
    http: { port: 80, address: '127.0.0.1' },
  })
})

test('modules: false switches off, true, nothing and fields switch on; one that is opt-in runs only where it is named', () => {
  const { hosts } = parse(
    'hosts:\n  a.example: { modules: { archive: false, register: } }\n  b.example: { modules: { archive: { limit: 2 }, register: true } }',
  )
  expect(hosts['a.example']!.modules).toEqual({ archive: false, ping: {}, register: {} })
  expect(hosts['b.example']!.modules).toEqual({ archive: { limit: 2, deep: { a: true } }, ping: {}, register: {} })
})

test('RFC 7622 §3.2: domains are kept in their canonical form', () => {
  expect(Object.keys(parse('hosts: { EXAMPLE.org: , B.example: }').hosts)).toEqual(['example.org', 'b.example'])
})

describe('what is wrong is refused with its line, its column and what was expected', () => {
  test.each([
    ['an unknown section', 'data: x\nlimts: {}', '2:1: unknown field "limts"; did you mean "limits"?'],
    ['an unknown field', 'limits:\n  dept: 3', '2:3: limits: unknown field "dept"; did you mean "depth"?'],
    ['a field like no other', 'tls:\n  frobnicate: 3', '2:3: tls: unknown field "frobnicate"; known are minimum'],
    [
      'an unknown module',
      'hosts:\n  a:\n    modules:\n      registr:',
      '4:7: hosts.a.modules: unknown module "registr"; did you mean "register"?',
    ],
    [
      "a module's unknown field",
      'hosts: { a: { modules: { archive: { limt: 1 } } } }',
      '1:37: hosts.a.modules.archive: unknown field "limt"; did you mean "limit"?',
    ],
    [
      "a module's wrong value",
      'hosts: { a: { modules: { archive: { limit: 0 } } } }',
      '1:44: hosts.a.modules.archive.limit: expected at least 1',
    ],
    [
      'fields for a module without any',
      'hosts: { a: { modules: { ping: { x: 1 } } } }',
      '1:34: hosts.a.modules.ping: unknown field "x"; there are none here',
    ],
    ['text for a number', 'limits:\n  depth: deep', '2:10: limits.depth: expected a number'],
    ['a broken number', 'limits:\n  depth: 8.5', '2:10: limits.depth: expected a whole number'],
    ['a number too small', 'limits:\n  depth: 1', '2:10: limits.depth: expected at least 8'],
    [
      'a value that is none of the known',
      'log:\n  level: wran',
      '2:10: log.level: expected trace or debug or info or warn or error or fatal or silent; did you mean "warn"?',
    ],
    ['text for true or false', 'hosts: { a: { anonymous: maybe } }', '1:26: hosts.a.anonymous: expected true or false'],
    [
      'an unknown unit',
      'keepalive:\n  idle: 3 fortnights',
      "2:9: keepalive.idle: expected a time such as '30 s', '10 min', '2 h', or a number of seconds",
    ],
    ['a time too short', 'keepalive:\n  idle: 1 s', '2:9: keepalive.idle: expected at least 5 s'],
    ['a size too great', 'limits:\n  stanzaBytes: 1 GiB', '2:16: limits.stanzaBytes: expected at most 64 MiB'],
    [
      'no port',
      'listen:\n  xmpp: 70000',
      '2:9: listen.xmpp: expected a port from 0 to 65535, { port, address }, or false',
    ],
    [
      'a missing field',
      'hosts:\n  a:\n    certificate:\n      key: k',
      '4:7: hosts.a.certificate.cert: is missing: expected text',
    ],
    ['no domain', 'hosts:\n  "a b":', '2:3: hosts: expected a domain name, not "a b"'],
    ['a domain twice', 'hosts:\n  a.example:\n  A.example:', '3:3: hosts: the domain "a.example" stands here twice'],
    ['no host at all', 'hosts: {}', '1:8: hosts: expected at least one domain'],
    [
      'no network',
      'metrics:\n  allow: [loopback, 10.0.0.0/33]',
      "2:21: metrics.allow.1: expected loopback, an address, or a network such as '10.0.0.0/8'",
    ],
    ['nothing where a value must be', 'data:\ntls: {}', '1:1: data: expected text'],
    ['no fields', '- a', '1:1: expected fields'],
    ['a field twice', 'data: a\ndata: b', '2:1: this field stands here twice: remove one of them'],
    ['a tab', 'tls:\n\tminimum: TLSv1.3', '2:1: lines are indented with spaces, not with tabs'],
    ['empty text', 'data: ""', '1:7: data: expected text, and this is none'],
    ['a number beyond all bounds', 'limits: { depth: 1e30 }', '1:18: limits.depth: expected at most 1000000000'],
    ['a negative time', 'keepalive: { idle: -5 }', '1:20: keepalive.idle: expected at least 5 s'],
    ['fields for a name', 'tls:\n  ? { a: b }\n  : 1', '2:3: tls: unknown field "{ a: b }"; known are minimum'],
    ['an alias inside of itself', 'hosts: &a\n  b: [*a]', '2:7: the alias stands inside of what it stands for'],
    [
      'one port for two listeners',
      'listen:\n  xmpp: { port: 7000, address: 127.0.0.1 }\n  http: 7000',
      '3:9: listen.http: port 7000 is that of xmpp already: choose another one',
    ],
    ['an unknown tag', 'data: !secret x', '1:7: Unresolved tag: !secret'],
    ['a second document', 'data: a\n---\ndata: b', '2:1: expected one document, and a second begins here'],
  ])('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(new ConfigError(`/etc/jackdaw.yaml:${message}`))
  })

  test('one port at two addresses is no mistake', () => {
    const { listen } = parse(
      'listen: { xmpp: { port: 1, address: 127.0.0.1 }, xmpps: { port: 1, address: 127.0.0.2 }, http: 0, https: 0 }',
    )
    expect(listen.xmpps).toEqual({ port: 1, address: '127.0.0.2' })
  })

  test('twenty mistakes are enough at once', () => {
    const text = Array.from({ length: 100 }, (_, i) => `field${i}: 1`).join('\n')
    expect((catching(() => parse(text)) as Error).message.split('\n')).toHaveLength(20)
  })

  test('all of it at once', () => {
    const text = 'limits:\n  depth: x\n  dept: 3\nhosts: { "": }'
    const lines = (catching(() => parse(text)) as Error).message.split('\n').map((line) => line.split(': ')[0])
    expect(lines.toSorted((a, b) => (a! < b! ? -1 : 1))).toEqual([
      '/etc/jackdaw.yaml:2:10',
      '/etc/jackdaw.yaml:3:3',
      '/etc/jackdaw.yaml:4:10',
    ])
  })

  test('aliases that multiply are not followed', () => {
    const laughs = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')
    expect(() => parse(`a0: &a0 x\n${laughs}`)).toThrow(/^\/etc\/jackdaw.yaml: Excessive alias count/)
  })
})

test('a file that cannot be read is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jackdaw-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  expect(() => readConfig(join(folder, 'none.yaml'), modules)).toThrow(
    `the configuration file ${join(folder, 'none.yaml')} cannot be read (ENOENT)`,
  )
  writeFileSync(join(folder, 'a.yaml'), 'data: x')
  expect(readConfig(join(folder, 'a.yaml'), modules).data).toBe(join(folder, 'x'))
  writeFileSync(join(folder, 'b.yaml'), Buffer.from('log: {}\ndata: caf\xE9', 'latin1'))
  expect(() => readConfig(join(folder, 'b.yaml'), modules)).toThrow(
    new ConfigError(`${join(folder, 'b.yaml')}:2: the file is not UTF-8 text: save it as UTF-8`),
  )
})

describe('configFrom, for embedders', () => {
  test('fills in what is left out', () => {
    const config = configFrom({ data: 'd', limits: { depth: 9 }, resumption: { time: '1 min' } }, modules, '/srv')
    expect([config.data, config.limits.depth, config.limits.attributes, config.resumption.time]).toEqual([
      '/srv/d',
      9,
      64,
      60_000,
    ])
  })
  test('takes a complete configuration, and one made of it, as it is: its times are milliseconds already', () => {
    const config = configFrom({ resumption: { time: 5 } }, modules)
    expect(configFrom(config, modules)).toBe(config)
    expect(configFrom({ ...config, listen: { ...config.listen, http: false } }, modules).resumption.time).toBe(5000)
  })
  test('names the field that is wrong', () => {
    expect(() => configFrom({ limits: { depth: 1 } }, modules)).toThrow(
      new ConfigError('limits.depth: expected at least 8'),
    )
    expect(() => configFrom({ limit: {} } as object, modules)).toThrow(
      new ConfigError('unknown field "limit"; did you mean "limits"?'),
    )
  })
})

test('metrics.allow: loopback, addresses and networks, IPv4 also as IPv6 writes it', () => {
  const isAllowed = networks(['loopback', '10.0.0.0/8', '2001:db8::/32', '192.0.2.1'])
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '10.1.2.3', '2001:db8::5', '192.0.2.1'])
    expect([address, isAllowed(address)]).toEqual([address, true])
  for (const address of ['11.0.0.1', '::2', '2001:db9::5', '192.0.2.2', '::ffff:11.0.0.1', '', 'loopback'])
    expect([address, isAllowed(address)]).toEqual([address, false])
  for (const name of ['loopbac', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '1.2.3'])
    expect([name, isNetwork(name)]).toEqual([name, false])
})

function catching(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

test('a module that another one needs cannot be switched off alone', () => {
  const text = 'hosts:\n  a.example:\n    modules:\n      archive: false\n'
  expect(() => parseConfig(text, 'jackdaw.yaml', everyModule)).toThrow(
    /jackdaw\.yaml:4:\d+: .*the module "mam" needs this one: switch that off too, or neither/,
  )
  const needing = (name: string): string[] => [
    name,
    ...everyModule
      .filter(({ needs }) => needs?.some((needed) => needed.name === name))
      .flatMap((module) => needing(module.name)),
  ]
  const off = [...new Set(needing('archive'))].map((name) => `${name}: false`)
  const all = `hosts: { a.example: { modules: { ${off.join(', ')} } } }`
  expect(parseConfig(all, 'jackdaw.yaml', everyModule).hosts['a.example']!.modules['mam']).toBe(false)
})

describe('a domain that a module serves', () => {
  const serving = ['rooms', 'news'].map((name): Module => ({
    name,
    config: z.object({ subdomain: subdomain(name) }),
    start: () => undefined,
  }))
  const of = (text: string) => () => parseConfig(text, '/etc/jackdaw.yaml', serving)

  test('has a label of its own', () => {
    const { hosts } = of('hosts: { a.example: {}, b.example: { modules: { rooms: { subdomain: chat } } } }')()
    expect(hosts['a.example']!.modules).toEqual({ rooms: { subdomain: 'rooms' }, news: { subdomain: 'news' } })
    expect(hosts['b.example']!.modules['rooms']).toEqual({ subdomain: 'chat' })
  })

  test.each(['a.b', '', 'A', 'a b', 'x@y'])('is not called %j', (label) => {
    expect(of(`hosts: { a.example: { modules: { rooms: { subdomain: ${JSON.stringify(label)} } } } }`)).toThrow(
      "expected one label of a domain, such as 'rooms'",
    )
  })

  test('is not a host as well', () => {
    expect(of('hosts: { a.example: {}, rooms.a.example: {} }')).toThrow(
      'rooms.a.example is a host of this server already: choose another label',
    )
    expect(of('hosts: { a.example: { modules: { rooms: false } }, rooms.a.example: {} }')).not.toThrow()
  })

  test('is served by one module', () => {
    expect(of('hosts: { a.example: { modules: { news: { subdomain: rooms } } } }')).toThrow(
      'rooms.a.example is served by the module "rooms" already: choose another label',
    )
  })
})

describe('roles', () => {
  const of = (roles: string) => parse(`hosts: { a.example: { roles: ${roles} } }`).hosts['a.example']!.roles
  const most = ['rooms', 'nodes', 'upload', 'push', 'invite', 'register', 'domains']

  test('guest, user and admin always are', () => {
    expect(of('{}')).toEqual({
      guest: { accounts: [], may: ['push', 'domains'], limits: {} },
      user: { accounts: [], may: most, limits: {} },
      admin: { accounts: [], may: [...most, 'administer'], limits: {} },
    })
  })

  test('what a role leaves out is as users have it; administrators may do all, guests little', () => {
    const roles = '{ user: { may: [upload], limits: { rooms: 3 } }, chief: { limits: { quota: 4 GiB } }, guest: {} }'
    const { user, chief, guest, admin } = of(roles) as Record<string, { may: readonly string[]; limits: object }>
    expect([user!.may, chief!.may, guest!.may]).toEqual([['upload'], ['upload'], ['push', 'domains']])
    expect(admin!.may).toContain('administer')
    expect(chief!.limits).toEqual({ rooms: 3, quota: 4 * 1024 ** 3 })
  })

  test.each([
    [
      '{ admin: { accounts: [boss] } }',
      '1:52: hosts.a.example.roles.admin.accounts.0: expected an address name@domain',
    ],
    ['{ admin: { accounts: [boss@b.example] } }', 'expected an account of a.example, not boss@b.example'],
    ['{ guest: { accounts: [x@a.example] } }', 'who has an account is no guest'],
    ['{ user: { accounts: [X@A.example] }, admin: { accounts: [x@a.example] } }', 'has the role "user" already'],
    ['{ user: { may: [room] } }', 'did you mean "rooms"?'],
    ['{ guest: { may: [rooms, upload] } }', 'expected rooms or push or domains: the rest needs an account'],
    ['{ "a b": {} }', 'expected a name of letters and digits that begins with a small one, not "a b"'],
    ['{ user: { limits: { rooms: 0 } } }', 'expected at least 1'],
    ['{ user: { limits: { stanzaBytes: 1 KiB } } }', 'expected at least 10000 B'],
    ['{ user: { limits: { sessions: 1 } } }', 'unknown field "sessions"'],
    ['{ user: { can: [] } }', 'unknown field "can"; known are accounts, may, limits'],
  ])('%s is refused: %s', (roles, message) => {
    expect(() => of(roles)).toThrow(message)
  })
})

describe('a component', () => {
  const of = (components: string, more = '') =>
    parse(`hosts: { a.example: { components: ${components} }${more} }`).hosts['a.example']!.components

  test('has a domain in its canonical form, a secret and perhaps a name; nothing listens for others by default', () => {
    const privileges = { roster: 'none', push: false, message: 'none', presence: 'none', iq: {} }
    expect(of('{ IRC.a.Example: { secret: x, name: IRC } }')).toEqual({
      'irc.a.example': { secret: 'x', name: 'IRC', privileges, delegated: {} },
    })
    const { listen } = parse('listen: { component: 1 }')
    expect([listen.component, listen.componentTls]).toEqual([{ port: 1, address: '127.0.0.1' }, false])
  })

  test.each([
    ['{ "a b": { secret: x } }', 'expected a domain name, not "a b"'],
    ['{ irc.example: { } }', 'secret'],
    ['{ irc.example: { secret: "" } }', 'secret'],
    ['{ a.example: { secret: x } }', 'a.example is a host of this server already: choose another domain'],
    ['{ irc.example: { secret: x, privileges: { roster: all } } }', 'expected none, get, set or both'],
    ['{ irc.example: { secret: x, privileges: { message: both } } }', 'expected none or outgoing'],
    ['{ irc.example: { secret: x, privileges: { presence: both } } }', 'expected none, managed_entity or roster'],
    ['{ irc.example: { secret: x, privileges: { iq: { urn:x: outgoing } } } }', 'expected none, get, set or both'],
    ['{ irc.example: { secret: x, privileges: { files: get } } }', 'files'],
    ['{ irc.example: { secret: x, delegated: { "urn:xmpp:delegation:2": [] } } }', 'cannot be delegated'],
    ['{ irc.example: { secret: x, delegated: { "urn:xmpp:privilege:2": [] } } }', 'cannot be delegated'],
    [
      '{ a.b: { secret: x, delegated: { urn:x: [] } }, c.d: { secret: x, delegated: { urn:x: [node] } } }',
      'urn:x is delegated to a.b already',
    ],
  ])('%s is refused: %s', (components, message) => {
    expect(() => of(components)).toThrow(message)
  })

  test.each(['none', 'set'])('XEP-0356 §4.1, §7.4: with roster %s, neither push nor presence of contacts', (roster) => {
    const having = (more: string) => of(`{ irc.example: { secret: x, privileges: { roster: ${roster}, ${more} } } }`)
    expect(() => having('push: true')).toThrow('set roster to get or both')
    expect(() => having('presence: roster')).toThrow('set roster to get or both')
    expect(having('presence: managed_entity')['irc.example']!.privileges.push).toBe(false)
  })

  test.each(['get', 'both'])('XEP-0356 §4.1: with roster %s, push is on unless it is off', (roster) => {
    const push = (more: string) =>
      of(`{ irc.example: { secret: x, privileges: { roster: ${roster}${more} } } }`)['irc.example']!.privileges.push
    expect([push(''), push(', push: false')]).toEqual([true, false])
  })

  test('XEP-0355 §7.2: what is left of discovery can be delegated', () => {
    const special = '"urn:xmpp:delegation:2:bare:disco#info:*"'
    expect(of(`{ irc.example: { secret: x, delegated: { ${special}: [] } } }`)['irc.example']!.delegated).toEqual({
      [JSON.parse(special)]: [],
    })
  })

  test('has a domain for itself', () => {
    expect(() =>
      of('{ irc.example: { secret: x } }', ', b.example: { components: { irc.example: { secret: x } } }'),
    ).toThrow('irc.example is that of a component already: choose another domain')
    const below = 'hosts: { a.example: { components: { rooms.a.example: { secret: x } } } }'
    expect(() => parseConfig(below, 'a.yaml', everyModule)).toThrow(
      'rooms.a.example is served by the module "muc" already',
    )
  })
})

describe('accounts that another system keeps', () => {
  const of = (accounts: string, more = '') =>
    parseConfig(`hosts: { a.example: { accounts: ${accounts}${more} } }`, '/etc/jackdaw.yaml', modules)
  const ldap = (fields: string) => `{ ldap: { base: 'dc=a', ${fields} } }`

  test('files start at the folder of the configuration', () => {
    const config = of(ldap("url: 'ldaps://b', ca: ca.pem, bindDn: 'cn=x', passwordFile: secret"))
    expect(config.hosts['a.example']!.accounts).toMatchObject({
      ldap: { ca: '/etc/ca.pem', passwordFile: '/etc/secret', attribute: 'uid', startTls: true },
      timeout: 5000,
      parallel: 8,
      knownTime: 300_000,
      unknownTime: 30_000,
    })
    expect(
      of("{ http: { url: 'https://b/check', secretFile: /run/secret } }").hosts['a.example']!.accounts,
    ).toMatchObject({ http: { secretFile: '/run/secret' } })
  })

  test.each([
    ['{}', 'expected either ldap or http'],
    ["{ ldap: { url: 'ldaps://b', base: 'dc=a' }, http: { url: 'https://b' } }", 'expected either ldap or http'],
    [ldap("url: 'https://b'"), "expected 'ldaps://' or 'ldap://'"],
    [ldap("url: 'ldap://b', startTls: false"), 'passwords would go in clear'],
    [ldap("url: 'ldap://b', bindDn: 'cn=x'"), 'bindDn and passwordFile go together'],
    [ldap("url: 'ldap://b', attribute: 'uid=*)('"), "expected an attribute's name"],
    ["{ http: { url: 'http://b/check' } }", "expected 'https://…', or 'http://' to this machine"],
    ["{ http: { url: 'ftp://localhost' } }", "expected 'https://…', or 'http://' to this machine"],
  ])('%s is refused: %s', (accounts, message) => {
    expect(() => of(accounts)).toThrow(message)
  })

  test('to this machine they may go in clear', () => {
    expect(() => of(ldap("url: 'ldap://127.0.0.1', startTls: false"))).not.toThrow()
    expect(() => of("{ http: { url: 'http://[::1]:8080/check' } }")).not.toThrow()
  })

  test('nobody is anonymous there', () => {
    expect(() => of("{ http: { url: 'https://b/check' } }", ', anonymous: true')).toThrow(
      'anybody could be one of its accounts',
    )
  })
})
