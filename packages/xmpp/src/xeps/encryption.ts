import type { Element } from '../xml/element.ts'

/** XEP-0380: which encryption a message uses. */
export const encryptionNs = 'urn:xmpp:eme:0'

/** Encrypted contents of XEP-0384 (now, and as most clients still write it) and of XEP-0373. */
const encryptedNs: readonly string[] = ['urn:xmpp:omemo:2', 'eu.siacs.conversations.axolotl', 'urn:xmpp:openpgp:0']

/** Whether this is the encrypted content of a message. */
export function isEncrypted({ name, ns }: Element): boolean {
  return (name === 'encrypted' || name === 'openpgp') && encryptedNs.includes(ns)
}
