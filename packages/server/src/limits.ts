import type { Config } from './config.ts'
import type { ClientPortLimits } from './ports/c2s.ts'
import type { ComponentPortLimits } from './ports/component.ts'
import type { SessionLimits } from './session/sessions.ts'
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

export function networkLimits({ limits }: Config): NetworkLimits {
  return {
    connections: limits.connections,
    connectionsPerAddress: limits.connectionsPerAddress,
    handshakes: limits.unauthenticatedConnections,
    handshakeTime: limits.unauthenticatedTime,
    webSocketMessage: limits.stanzaBytes,
    httpHeader: 16_384,
    httpBody: limits.stanzaBytes,
    httpHeaderTime: 10_000,
    httpRequestTime: 60_000,
  }
}

export function boshLimits({ limits }: Config): BoshLimits {
  return limits
}

export function certificateHosts(config: Config): CertificateHost[] {
  return Object.entries(config.hosts).map(([domain, { certificate, clientAuthorities }]) => ({
    domain,
    ...(certificate && { files: { certificate: certificate.cert, key: certificate.key } }),
    ...(clientAuthorities !== undefined && { clientAuthorities }),
  }))
}
