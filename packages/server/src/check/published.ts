import type { Finding, Scene } from './finding.ts'
import { isLocal } from './local.ts'

const rels = {
  'urn:xmpp:alt-connections:websocket': ['WebSocket', 'GET', 426],
  'urn:xmpp:alt-connections:xbosh': ['BOSH', 'OPTIONS', 204],
} as const

/** Whether what clients are told is so as seen from outside: host-meta, WebSocket, BOSH and files at their published URLs. */
export async function published(scene: Scene): Promise<Finding[]> {
  if (scene.running === undefined) return []
  const domains = Object.keys(scene.config.hosts).filter((domain) => !isLocal(domain))
  return (await Promise.all(domains.map((domain) => look(scene, domain)))).flat()
}

async function look({ config, outside }: Scene, domain: string): Promise<Finding[]> {
  const { modules } = config.hosts[domain]!
  const meta = modules['host-meta'] as { readonly url?: string } | false | undefined
  const upload = modules['upload'] as { readonly url?: string } | false | undefined
  const name = URL.parse(`https://${domain}`)?.hostname ?? domain
  const { https } = config.listen
  const base = (meta && meta.url) || (https && https.port > 0 ? `https://${name}:${https.port}` : undefined)
  const findings: Finding[] = []
  if (meta) {
    const url = `https://${name}/.well-known/host-meta.json`
    const links = await linksAt(url, outside)
    if (typeof links === 'string')
      findings.push({
        title: url,
        level: 'warn',
        sentence: `Web apps look there for the way to ${domain}, but ${links}: let whatever serves https://${name} pass /.well-known/host-meta and /.well-known/host-meta.json on to Jackdaw, or serve there what Jackdaw's own HTTPS port does.`,
      })
    else {
      for (const [rel, [what, method, status]] of Object.entries(rels)) {
        const href = links.find((link) => link.rel === rel)?.href
        findings.push(await ways(what, href, method, status, outside, url))
      }
    }
  }
  const files = upload && (upload.url ?? base)
  if (files) findings.push(await asked(`files of ${domain}`, `${files}/upload/${name}/`, 'OPTIONS', 204, outside))
  // A proxy on this machine asks as loopback does.
  if (meta && meta.url !== undefined) {
    const { status } = await outside.ask(`${meta.url}/metrics`).catch(() => ({ status: 0 }))
    if (status === 200)
      findings.push({
        title: `${meta.url}/metrics`,
        level: 'warn',
        sentence:
          'Everybody may read it, because the reverse proxy passes it on: let it pass on only the paths of docs/operation.md.',
      })
  }
  return findings
}

interface Link {
  readonly rel?: unknown
  readonly href?: unknown
}

/** What stands there, or what is wrong with it. */
async function linksAt(
  url: string,
  outside: Scene['outside'],
): Promise<readonly { rel: string; href: string }[] | string> {
  try {
    const { status, text } = await outside.ask(url)
    if (status !== 200) return `it answers HTTP ${status}`
    const { links } = JSON.parse(text) as { links?: readonly Link[] }
    return (links ?? []).filter(
      (link): link is { rel: string; href: string } => typeof link.rel === 'string' && typeof link.href === 'string',
    )
  } catch (error) {
    return error instanceof SyntaxError ? 'what stands there is no JSON' : (error as Error).message
  }
}

async function ways(
  what: string,
  href: string | undefined,
  method: 'GET' | 'OPTIONS',
  status: number,
  outside: Scene['outside'],
  where: string,
): Promise<Finding> {
  if (href === undefined)
    return {
      title: what,
      level: 'warn',
      sentence: `${where} does not name it: serve there what Jackdaw's own HTTPS port does.`,
    }
  return asked(what, href.replace(/^ws/, 'http'), method, status, outside)
}

async function asked(
  title: string,
  url: string,
  method: 'GET' | 'OPTIONS',
  status: number,
  outside: Scene['outside'],
): Promise<Finding> {
  const trouble = await outside.ask(url, method).then(
    (answer) => (answer.status === status ? undefined : `it answers HTTP ${answer.status}, which is not Jackdaw`),
    (error: Error) => error.message,
  )
  return trouble === undefined
    ? { title, level: 'ok', sentence: `${url} answers.` }
    : {
        title,
        level: 'fail',
        sentence: `Clients are sent to ${url}, but ${trouble}: open its port, let the reverse proxy pass it on, or correct the url of modules.host-meta or modules.upload.`,
      }
}
