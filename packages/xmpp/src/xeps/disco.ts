import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Form } from './forms.ts'
import { jidValue } from './jid-value.ts'

export const discoInfoNs = 'http://jabber.org/protocol/disco#info'
export const discoItemsNs = 'http://jabber.org/protocol/disco#items'

/** What an entity is (XEP-0030 §3.1); category and type are those of the XMPP Registrar. */
export interface Identity {
  readonly category: string
  readonly type: string
  /** For a human reader. */
  readonly name?: string | undefined
  readonly lang?: string | undefined
}

/** What is known of an entity, or of one of its nodes; in a request only the node is given. */
export interface DiscoInfo {
  readonly node?: string | undefined
  readonly identities: readonly Identity[]
  /** Namespaces and other names of what it can do. */
  readonly features: readonly string[]
  /** XEP-0128: more about it, of type 'result'. */
  readonly forms: readonly Form[]
}

/** `<query/>` of disco#info (XEP-0030 §3). Reading throws a StanzaError bad-request for an identity or a feature that lacks its attributes. */
export const DiscoInfo: Payload<DiscoInfo> = {
  name: 'query',
  ns: discoInfoNs,
  read(element) {
    return {
      node: element.attr('node'),
      identities: children(element, 'identity').map((identity) => ({
        category: needed(identity, 'category'),
        type: needed(identity, 'type'),
        name: identity.attr('name'),
        lang: identity.attr('xml:lang'),
      })),
      features: children(element, 'feature').map((feature) => needed(feature, 'var')),
      forms: element.elements().flatMap((child) => (isForm(child) ? [Form.read(child)] : [])),
    }
  },
  write({ node, identities, features, forms }) {
    return xml(
      'query',
      discoInfoNs,
      { node },
      ...identities.map(({ category, type, name, lang }) =>
        xml('identity', discoInfoNs, { category, type, name, 'xml:lang': lang }),
      ),
      ...features.map((name) => xml('feature', discoInfoNs, { var: name })),
      ...forms.map(Form.write),
    )
  },
}

/** Something that belongs to an entity (XEP-0030 §4.1). */
export interface DiscoItem {
  readonly jid: Jid
  /** Tells it from others with the same JID (§4.2). */
  readonly node?: string | undefined
  readonly name?: string | undefined
}

/** What belongs to an entity, or to one of its nodes; in a request only the node is given. */
export interface DiscoItems {
  readonly node?: string | undefined
  readonly items: readonly DiscoItem[]
}

/** `<query/>` of disco#items (XEP-0030 §4). Reading throws a StanzaError for an item without a JID. */
export const DiscoItems: Payload<DiscoItems> = {
  name: 'query',
  ns: discoItemsNs,
  read(element) {
    return {
      node: element.attr('node'),
      items: children(element, 'item').map((item) => ({
        jid: jidValue(needed(item, 'jid')),
        node: item.attr('node'),
        name: item.attr('name'),
      })),
    }
  },
  write({ node, items }) {
    return xml(
      'query',
      discoItemsNs,
      { node },
      ...items.map(({ jid, ...rest }) =>
        xml('item', discoItemsNs, { jid: jid.toString(), node: rest.node, name: rest.name }),
      ),
    )
  },
}

function children(element: Element, name: string): Element[] {
  return element.elements().filter((child) => child.name === name && child.ns === element.ns)
}

function isForm({ name, ns }: Element): boolean {
  return name === Form.name && ns === Form.ns
}

function needed(element: Element, name: string): string {
  const value = element.attr(name)
  if (value === undefined) throw new StanzaError('bad-request', `<${element.name}/> needs the attribute ${name}`)
  return value
}
