// Writes docs/compliance.md and docs/jackdaw.doap from what the modules declare, and from what a server with all defaults says of itself.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modules } from '../packages/server/src/modules/modules.ts'
import { scenario } from '../packages/testkit/src/index.ts'
import { DiscoInfo } from '../packages/xmpp/src/index.ts'
import { ofNote, type Proof, type Row, suites } from './compliance-suites.ts'
import { xepTitles } from './xep-titles.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const page = join(root, 'docs/compliance.md')
export const doap = join(root, 'docs/jackdaw.doap')

/** Of what no module declares: the rooms below them, with the tests that show it. */
const beside: readonly { readonly spec: string; readonly version?: string; readonly tests: readonly string[] }[] = [
  { spec: 'RFC 6120', tests: ['packages/server/src/stream/stream.test.ts', 'interop/hostile/hostile.test.ts'] },
  {
    spec: 'RFC 6121',
    tests: [
      'packages/server/src/router/delivery.test.ts',
      'packages/server/src/modules/roster/roster.test.ts',
      'packages/server/src/modules/presence/presence.test.ts',
      'packages/server/src/modules/subscriptions/subscriptions.test.ts',
    ],
  },
  { spec: 'RFC 7590', tests: ['packages/server/src/transport/tls.test.ts'] },
  { spec: 'RFC 7395', tests: ['packages/server/src/transport/websocket.test.ts'] },
  {
    spec: 'XEP-0114',
    version: '1.6',
    tests: [
      'packages/server/src/ports/component.test.ts',
      'packages/server/src/ports/component-users.test.ts',
      'interop/components/biboumi.test.ts',
      'interop/components/slixmpp-component.test.ts',
    ],
  },
  { spec: 'XEP-0124', version: '1.11.2', tests: ['packages/server/src/transport/bosh/bosh.test.ts'] },
  {
    spec: 'XEP-0206',
    version: '1.4',
    tests: ['packages/server/src/transport/bosh/bosh.test.ts', 'interop/clients/strophe.test.ts'],
  },
  { spec: 'XEP-0368', version: '1.1.0', tests: ['packages/server/src/transport/tls.test.ts'] },
  { spec: 'XEP-0198', version: '1.6.3', tests: ['packages/server/src/stream/management.test.ts'] },
  {
    spec: 'XEP-0388',
    version: '1.0.4',
    tests: ['packages/server/src/stream/sasl2.test.ts', 'interop/clients/xmpp-client-sasl2.test.ts'],
  },
  { spec: 'XEP-0386', version: '1.1.0', tests: ['packages/server/src/stream/sasl2.test.ts'] },
  {
    spec: 'XEP-0474',
    version: '0.5.0',
    tests: ['packages/xmpp/src/sasl/scram-downgrade.test.ts', 'packages/server/src/stream/sasl2.test.ts'],
  },
  { spec: 'XEP-0480', version: '0.2.0', tests: ['packages/server/src/stream/upgrades.test.ts'] },
  {
    spec: 'XEP-0484',
    version: '0.2.0',
    tests: ['packages/server/src/stream/fast.test.ts', 'interop/clients/xmpp-client-sasl2.test.ts'],
  },
  { spec: 'XEP-0440', version: '1.0.0', tests: ['packages/server/src/stream/sasl2.test.ts'] },
]

interface Support {
  readonly spec: string
  readonly version: string
  readonly modules: readonly string[]
  /** Files with tests that cite it. */
  readonly tests: readonly string[]
}

/** All that is done, by number. */
export function supported(): Support[] {
  const all = new Map<string, Support>()
  for (const { spec, version = '', tests } of beside) all.set(spec, { spec, version, modules: [], tests })
  for (const module of modules)
    for (const xep of module.xeps ?? []) {
      const [spec = '', version = ''] = xep.split(' ')
      const known = all.get(spec)
      const tests = new Set([...(known?.tests ?? []), ...testsOf(module.name, spec)])
      all.set(spec, { spec, version, modules: [...(known?.modules ?? []), module.name], tests: [...tests].toSorted() })
    }
  return [...all.values()].toSorted((a, b) => (a.spec < b.spec ? -1 : 1))
}

/** The tests that cite an extension: of the module's file, or of the folder that it has for itself, or of its words. */
function testsOf(name: string, spec: string): string[] {
  const home = 'packages/server/src/modules'
  const [file = ''] = globSync([`${home}/${name}.ts`, `${home}/*/${name}.ts`], { cwd: root })
  const own = [`${dirname(file)}/${name}.test.ts`]
  const near = dirname(file) === home ? [] : globSync(`${dirname(file)}/*.test.ts`, { cwd: root }).toSorted()
  const far = globSync('packages/{xmpp,server}/src/**/*.test.ts', { cwd: root }).toSorted()
  const cites = (test: string) => existsSync(join(root, test)) && readFileSync(join(root, test), 'utf8').includes(spec)
  // One is enough, the nearest: the page would else change with every test.
  return [...own, ...near, ...far].filter(cites).slice(0, 1)
}

export async function compliancePage(): Promise<string> {
  const done = supported()
  return `# Compliance

What [XEP-0479](https://xmpp.org/extensions/xep-0479.html) (XMPP Compliance Suites 2023) asks of servers with the tests that show it, what else there is, and what a server with
nothing configured says of itself. This page and \`jackdaw.doap\` are made from what the modules declare and from \`scripts/compliance-suites.ts\`:
\`node --conditions=source scripts/docs-compliance.ts\`. A test fails when one that is named here is gone.

${suites.map(([category, rows]) => suite(category, rows, done)).join('\n')}
## Of note, and to come

What XEP-0479 names beside its tables and in §3; nobody must have it.

| specification | here |
| --- | --- |
${ofNote.map(([spec, what]) => `| ${nameOf(spec)} | ${notes(spec, what, done)} |`).join('\n')}

## Extensions

| specification | version | modules | tests |
| --- | --- | --- | --- |
${done.map(({ spec, version, modules: names, tests }) => `| ${nameOf(spec)} | ${version} | ${names.map((name) => `\`${name}\``).join(' ')} | ${filesOf(tests)} |`).join('\n')}

## Service discovery

${await discovery()}`
}

/** Whether all of a row is here, and shown. */
export function isHeld({ specs }: Row, done: readonly Support[]): boolean {
  return Object.entries(specs).every(([spec, proofs]) => proofs.length > 0 && done.some((one) => one.spec === spec))
}

/** Whether a test of that name stands in its file, and is not put off. */
export function isThere([file, name]: Proof): boolean {
  if (!existsSync(join(root, file))) return false
  const text = readFileSync(join(root, file), 'utf8')
  return ["'", '"', '`'].some((mark) => {
    const before = text.split(`${mark}${name}${mark}`)[0]!
    return before.length < text.length && !/\b(skip|todo)\(\s*$/.test(before)
  })
}

function suite(category: string, rows: readonly Row[], done: readonly Support[]): string {
  const lines = rows.map((one) => {
    const { feature, needed, specs } = one
    const state = isHeld(one, done) ? 'yes' : needed[1] === 'N/A' ? 'of clients alone' : '**not yet**'
    return `| ${feature} | ${Object.keys(specs).join(', ')} | ${needed.join(' | ')} | ${state} |`
  })
  const shown = rows.flatMap(({ specs }) => Object.entries(specs)).filter(([, proofs]) => proofs.length > 0)
  return `## ${category}

| feature | specifications | server | advanced server | Jackdaw |
| --- | --- | --- | --- | --- |
${lines.join('\n')}

${shown.map(([spec, proofs]) => `- ${spec}\n${proofs.map(([file, name]) => `  - ${filesOf([file])} \`${name}\``).join('\n')}`).join('\n')}
`
}

function notes(spec: string, what: string, done: readonly Support[]): string {
  const tests = filesOf(done.find((one) => one.spec === spec)?.tests ?? [])
  return [tests, what].filter((part) => part !== '').join(' ')
}

function nameOf(spec: string): string {
  const title = xepTitles[spec.slice(4)]
  const link = spec.startsWith('XEP-')
    ? `https://xmpp.org/extensions/${spec.toLowerCase()}.html`
    : `https://www.rfc-editor.org/rfc/rfc${spec.slice(4)}`
  return `[${spec}](${link})${title === undefined ? '' : ` ${title}`}`
}

function filesOf(files: readonly string[]): string {
  return files.map((file) => `[${basename(file)}](../${file})`).join(' ')
}

/** What each address says of itself: the features, in the order of their names. */
async function discovery(): Promise<string> {
  await using s = await scenario({ accounts: { juliet: ['balcony'] } })
  const services = [...s.server.hosts.get('home.test')!.virtual.services].map(({ domain }) => domain.domain)
  const sections: string[] = []
  for (const address of ['home.test', 'juliet@home.test', ...services.toSorted()]) {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    const answer = await s['balcony'].asks(`<iq type='get' to='${address}'>${query}</iq>`)
    const { identities, features } = DiscoInfo.read(answer.first())
    const name = address.replace('home.test', 'example.org')
    sections.push(`### ${name}

${identities.map(({ category, type }) => `${category}/${type}`).join(', ')}

${features
  .toSorted()
  .map((feature) => `- \`${feature}\``)
  .join('\n')}
`)
  }
  return sections.join('\n')
}

export function doapFile(): string {
  const entries = supported()
    .filter(({ spec }) => spec.startsWith('XEP-'))
    .map(
      ({ spec, version }) => `    <implements>
      <xmpp:SupportedXep>
        <xmpp:xep rdf:resource="https://xmpp.org/extensions/${spec.toLowerCase()}.html"/>
        <xmpp:version>${version}</xmpp:version>
        <xmpp:status>complete</xmpp:status>
      </xmpp:SupportedXep>
    </implements>`,
    )
  const rfcs = ['6120', '6121', '7395', '7590', '7622'].map(
    (rfc) => `    <implements rdf:resource="https://www.rfc-editor.org/info/rfc${rfc}"/>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://usefulinc.com/ns/doap#" xmlns:xmpp="https://linkmauve.fr/ns/xmpp-doap#">
  <Project>
    <name>Jackdaw</name>
    <shortdesc xml:lang="en">An instant messaging server for XMPP that loses nothing it has acknowledged</shortdesc>
    <license rdf:resource="https://spdx.org/licenses/Apache-2.0.html"/>
    <programming-language>TypeScript</programming-language>
    <os>Linux</os>
    <category rdf:resource="https://linkmauve.fr/ns/xmpp-doap#category-server"/>
${[...rfcs, ...entries].join('\n')}
  </Project>
</rdf:RDF>
`
}

if (import.meta.main) {
  writeFileSync(page, await compliancePage())
  writeFileSync(doap, doapFile())
}
