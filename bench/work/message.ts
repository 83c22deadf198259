import type { Jid } from '@jackdaw/xmpp'

const words =
  'It was the nightingale, and not the lark, that pierced the fearful hollow of thine ear; nightly she sings on yond pomegranate-tree.'

/** A message of some 280 bytes as it is delivered, with its number as id. */
export function saying(to: Jid, number: number): string {
  return `<message to='${to}' type='chat' id='say-${number}'><body>${words}</body></message>`
}

/** The number of a message that `saying` made; undefined for other stanzas. */
export function numberOf(stanza: string): number | undefined {
  const found = stanza.startsWith('<message') ? / id=['"]say-(\d+)['"]/.exec(stanza) : null
  return found ? Number(found[1]) : undefined
}
