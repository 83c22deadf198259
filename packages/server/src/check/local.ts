import { isIP } from 'node:net'

/** Whether a domain is never found through DNS: 'localhost' and all below it (RFC 6761 §6.3), '.test' (§6.2), addresses. */
export function isLocal(domain: string): boolean {
  return /(^|\.)(localhost|test)$/.test(domain) || isIP(domain.replaceAll(/^\[|\]$/g, '')) !== 0
}
