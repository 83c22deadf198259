import { grantedDelegations, grantedPrivileges } from '@jackdaw/xmpp'
import { hasComponents } from '../config/components.ts'
import { networks } from '../config/networks.ts'
import type { Finding, Scene } from './finding.ts'

/** Characters: the handshake is a hash that whoever hears it can try secrets on as fast as a processor can. */
const SHORT = 16

/** Whether components can connect, and nobody in their place. */
export async function components({ config }: Scene): Promise<Finding[]> {
  const { hosts, listen } = config
  if (!hasComponents(hosts)) return []
  const title = 'components'
  const found = Object.values(hosts).flatMap(({ components: named }) =>
    Object.entries(named)
      .filter(([, { secret }]) => secret.length < SHORT)
      .map(([domain]): Finding => ({
        title: `component ${domain}`,
        level: 'warn',
        sentence: `Its secret can be guessed: take one of at least ${SHORT} characters, such as openssl rand -hex 20 makes.`,
      })),
  )
  for (const { components: named, modules } of Object.values(hosts))
    for (const [domain, { privileges, delegated }] of Object.entries(named)) {
      if (!modules['privilege'] && grantedPrivileges(privileges)) found.push(ineffective(domain, 'privilege'))
      if (!modules['delegation'] && grantedDelegations(delegated)) found.push(ineffective(domain, 'delegation'))
    }
  if (!listen.component && !listen.componentTls)
    found.push({
      title,
      level: 'fail',
      sentence: 'None can connect: set listen.component, or listen.componentTls for TLS.',
    })
  if (listen.component && !isLoopback(listen.component.address))
    found.push({
      title,
      level: 'warn',
      sentence: `What they say can be read on the way to ${listen.component.address}: set listen.component to 127.0.0.1, and listen.componentTls for those on other machines.`,
    })
  return found.length > 0
    ? found
    : [{ title, level: 'ok', sentence: 'They have secrets that nobody guesses, and connect where nobody listens in.' }]
}

function ineffective(domain: string, module: string): Finding {
  const sentence = `What is granted to it has no effect: the module "${module}" is switched off.`
  return { title: `component ${domain}`, level: 'warn', sentence }
}

const isLoopback = networks(['loopback'])
