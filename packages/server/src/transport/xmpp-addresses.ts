import { Jid, JidError } from '@jackdaw/xmpp'

interface Part {
  readonly tag: number
  readonly start: number
  readonly end: number
}

const utf8String = 0x0c
const objectIdentifier = 0x06
/** [3] of a certificate: its extensions. */
const extensionsTag = 0xa3
/** [0]: an otherName among the alternative names, and the value within it. */
const explicit0 = 0xa0
/** 2.5.29.17 */
const subjectAltName = '551d11'
/** id-on-xmppAddr, 1.3.6.1.5.5.7.8.5 */
const xmppAddr = '2b06010505070805'

/**
 * The JIDs of people that a certificate names in its alternative names as XmppAddr (RFC 6120 §13.7.1.4). Node shows no
 * otherName, so they are read from the certificate's DER, which OpenSSL has parsed before.
 */
export function xmppAddresses(der: Uint8Array): string[] {
  const whole: Part = { tag: 0, start: 0, end: der.length }
  const [certificate = whole] = partsOf(der, whole)
  const [signed = certificate] = partsOf(der, certificate)
  const addresses: string[] = []
  for (const wrapped of partsOf(der, signed).filter(({ tag }) => tag === extensionsTag))
    for (const list of partsOf(der, wrapped))
      for (const extension of partsOf(der, list)) {
        const [name, ...rest] = partsOf(der, extension)
        if (name && hexOf(der, name) === subjectAltName && rest.length > 0)
          addresses.push(...namesIn(der, rest.at(-1)!))
      }
  return addresses
}

function namesIn(der: Uint8Array, value: Part): string[] {
  const addresses: string[] = []
  for (const list of partsOf(der, value))
    for (const name of partsOf(der, list)) {
      if (name.tag !== explicit0) continue
      const [type, wrapped] = partsOf(der, name)
      if (!type || !wrapped || type.tag !== objectIdentifier || hexOf(der, type) !== xmppAddr) continue
      const [text] = partsOf(der, wrapped)
      const address =
        text?.tag === utf8String ? bareOf(Buffer.from(der.subarray(text.start, text.end)).toString()) : undefined
      if (address !== undefined) addresses.push(address)
    }
  return addresses
}

function bareOf(text: string): string | undefined {
  try {
    const jid = Jid.parse(text)
    return jid.local !== undefined && jid.isBare ? jid.toString() : undefined
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

/** The elements within another; those that are not whole are left out. */
function partsOf(der: Uint8Array, { start, end }: Part): Part[] {
  const parts: Part[] = []
  for (let at = start; at + 2 <= end;) {
    const tag = der[at]!
    let length = der[at + 1]!
    at += 2
    if (length & 0x80) {
      let octets = length & 0x7f
      for (length = 0; octets > 0 && at < end; octets--) length = length * 256 + der[at++]!
    }
    if (at + length > end) break
    parts.push({ tag, start: at, end: at + length })
    at += length
  }
  return parts
}

function hexOf(der: Uint8Array, { start, end }: Part): string {
  return Buffer.from(der.subarray(start, end)).toString('hex')
}
