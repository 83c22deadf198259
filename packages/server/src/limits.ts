import type { Config } from './config.ts'
import type { ClientPortLimits } from './ports/c2s.ts'
import type { ComponentPortLimits } from './ports/component.ts'
import type { Role } from './session/roles.ts'
import type { SessionLimits } from './session/sessions.ts'
import type { StreamLimits } from './stream/port.ts'
import type { CertificateHost } from './transport/certificate-file.ts'
import type { BoshLimits } from './transport/bosh/bosh.ts'
import type { NetworkLimits } from './transport/network.ts'

// What each room may take, out of the one configuration.

export function sessionLimits({ limits, resumption }: Config): SessionLimits {
  return {
    resumeTime: resumption.time,
    outboxStanzas: resumption.queue,
    outboxBytes: resumption.queueBytes,
    resourcesPerAccount: limits.resourcesPerAccount,
  }
}

export function streamLimits({ limits, keepalive }: Config): ClientPortLimits {
  return { ...limits, idleTime: keepalive.idle, pingTime: keepalive.timeout }
}

export function componentLimits(config: Config): ComponentPortLimits {
  return { ...streamLimits(config), ...config.limits.component }
}

const ofRoles = new WeakMap<Role['limits'], { readonly base: StreamLimits; readonly limits: StreamLimits }>()

/** Those of a role; made once, however many streams ask. */
export function withRole(base: StreamLimits, own: Role['limits']): StreamLimits {
  const made = ofRoles.get(own)
  if (made?.base === base) return made.limits
  const limits = { ...base, ...own } as StreamLimits
  ofRoles.set(own, { base, limits })
  return limits
}

export function networkLimits(config: Config): NetworkLimits {
  const { limits } = config
  return {
    connections: limits.connections,
    connectionsPerAddress: limits.connectionsPerAddress,
    handshakes: limits.unauthenticatedConnections,
    handshakeTime: limits.unauthenticatedTime,
    webSocketMessage: longestStanza(config),
    httpHeader: 16_384,
    httpBody: longestStanza(config),
    httpBodies: limits.unauthenticatedConnections,
    httpHeaderTime: 10_000,
    httpRequestTime: 60_000,
    httpReadTime: 60_000,
  }
}

export function boshLimits(config: Config): BoshLimits {
  return { ...config.limits, stanzaBytes: longestStanza(config) }
}

/** Of whoever may send the longest. */
function longestStanza({ limits, hosts }: Config): number {
  const roles = Object.values(hosts).flatMap((host) => Object.values(host.roles))
  return Math.max(limits.stanzaBytes, ...roles.map(({ limits: { stanzaBytes = 0 } }) => stanzaBytes))
}

export function certificateHosts(config: Config): CertificateHost[] {
  return Object.entries(config.hosts).map(([domain, { certificate, clientAuthorities }]) => ({
    domain,
    ...(certificate && { files: { certificate: certificate.cert, key: certificate.key } }),
    ...(clientAuthorities !== undefined && { clientAuthorities }),
  }))
}
