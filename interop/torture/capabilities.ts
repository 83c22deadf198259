import { createHash } from 'node:crypto'
import { Caps, capsNs, capsText, DiscoInfo, type Element } from '@jackdaw/xmpp'

/** The personal node of which clients want to hear (XEP-0163 §4.3). */
export const moodNode = 'urn:torture:mood'

const info: DiscoInfo = {
  identities: [{ category: 'client', type: 'pc' }],
  features: [capsNs, DiscoInfo.ns, `${moodNode}+notify`],
  forms: [],
}
const node = 'urn:torture:client'
const ver = createHash('sha1').update(capsText(info)).digest('base64')

/** What a client's presence says of what it can do (XEP-0115 §4). */
export const capabilities: Element = Caps.write({ hash: 'sha-1', node, ver })

/** The answer to who asks for it. */
export function capabilitiesAsked(): Element {
  return DiscoInfo.write({ node: `${node}#${ver}`, ...info })
}
