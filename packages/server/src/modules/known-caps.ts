import { createHash } from 'node:crypto'
import {
  Caps,
  CapsHashes,
  capsHashNode,
  capsHashText,
  capsText,
  DiscoInfo,
  type Element,
  fieldValues,
  flatten,
  iq,
  type Jid,
  parse,
  type Presence,
  presence as presenceOf,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, map, type Target } from '../module.ts'
import { when } from '../when.ts'

/** The hash functions that can be verified, under their names in both extensions, with node's name. */
const functions: Readonly<Record<string, string>> = {
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
  'sha-1': 'sha1',
}

/** Of 512 bits, in Base64: what is longer fits nothing, and is not remembered as what somebody has claimed. */
const longestHash = 88

/** Most features of one entity, and most characters of them. */
const mostFeatures = 1000
const mostText = 65_536
/** Sets of features that stay in memory. */
const inMemory = 2000
/** How long one is awaited before the next one is asked as well, in milliseconds. */
const patience = 2000
/** Hashes that did not fit, for which who claims them is not asked again. */
const mostLies = 10_000

/** What a presence says of an entity's capabilities. */
interface Claim {
  /** For the store: the function and the hash. */
  readonly key: string
  /** The service discovery node to be asked. */
  readonly node: string
  readonly fits: (query: Element) => boolean
}

/** Who claims something that is not known yet. */
interface Claimant {
  readonly jid: Jid
  /** By whom they are for; '' for one that is for all. */
  readonly presences: Map<string, Presence>
  isAsked: boolean
  /** The session of this server that is asked. */
  session?: Target | undefined
}

interface Enquiry {
  /** By their JID. */
  readonly claimants: Map<string, Claimant>
  /** The accounts of those that are being asked. */
  readonly asked: Set<string>
  /** Ends the wait after which the next one is asked. */
  cancel(): void
}

/** The next one to be asked: of an account that is not being asked already, so that nobody answers slowly with many sessions. */
function nextOf({ claimants, asked }: Enquiry): Claimant | undefined {
  for (const claimant of claimants.values())
    if (!claimant.isAsked && !asked.has(claimant.jid.bare.toString())) return claimant
  return undefined
}

type Learnt = (jid: Jid, presence: Presence) => void

const nothing: ReadonlySet<string> = new Set()
/** What an entity can do that has said so by a hash of which nobody here knows yet what it stands for. */
export const unknownFeatures: ReadonlySet<string> = new Set()

/** What other entities can do: learnt from the hash in their presence, asked for once for each hash, verified and kept. */
export const knownCaps = defineModule({
  name: 'known-caps',
  xeps: ['XEP-0115 1.6.0', 'XEP-0390 0.3.2'],
  config: z.object({
    entries: z
      .int()
      .min(0)
      .default(10_000)
      .describe('Most sets of client features that are kept, so that clients are not asked again after a restart.'),
  }),
  stores: { known: map<readonly string[]>(), counts: map<number>() },
  start(host) {
    const { known, counts } = host.stores
    const remembered = new Map<string, ReadonlySet<string>>()
    /** What is being asked for, by the claim's key. */
    const enquiries = new Map<string, Enquiry>()
    /** By the JID, which of its claims could not be verified. */
    const liars = new Map<string, Set<string>>()
    let lies = 0
    const listeners = new Set<Learnt>()

    /** What an entity can do as far as is known at once. What is not known is asked for, and then told to the listeners. */
    function features(jid: Jid, presence: Presence): ReadonlySet<string> {
      const claim = claimOf(presence)
      if (!claim) return nothing
      const found = remembered.get(claim.key)
      if (found) return found
      if (enquiries.has(claim.key)) {
        wait(claim, jid, presence)
        return unknownFeatures
      }
      const kept = known.get(claim.key, '')
      if (!(kept instanceof Promise)) {
        if (kept) return remember(claim.key, kept)
        wait(claim, jid, presence)
        return unknownFeatures
      }
      wait(claim, jid, presence, kept)
      return unknownFeatures
    }

    function wait(claim: Claim, jid: Jid, presence: Presence, kept?: Promise<readonly string[] | undefined>): void {
      if (liars.get(jid.toString())?.has(claim.key)) return
      const enquiry = enquiries.get(claim.key) ?? { claimants: new Map(), asked: new Set(), cancel() {} }
      const before = enquiry.claimants.get(jid.toString())
      const isAnother = before?.session?.isEnded === true
      const claimant: Claimant = before && !isAnother ? before : { jid, presences: new Map(), isAsked: false }
      if (isAnother) enquiry.asked.delete(jid.bare.toString())
      claimant.presences.set(String(presence.to ?? ''), withoutAllButCaps(presence))
      enquiry.claimants.set(jid.toString(), claimant)
      if (enquiries.has(claim.key)) return isAnother ? ask(claim, enquiry) : undefined
      enquiries.set(claim.key, enquiry)
      if (!kept) return ask(claim, enquiry)
      void kept.then((found) => {
        if (!found) return ask(claim, enquiry)
        remember(claim.key, found)
        tell(claim.key)
      })
    }

    /** XEP-0115 §5.4: asks one after the other of those who claim it, until what one says fits; the next one also when one takes long. */
    function ask(claim: Claim, enquiry: Enquiry): void {
      enquiry.cancel()
      enquiry.cancel = host.clock.after(patience, () => ask(claim, enquiry))
      const next = nextOf(enquiry)
      if (!next) return
      const { jid } = next
      next.isAsked = true
      enquiry.asked.add(jid.bare.toString())
      next.session = host.session(jid)
      void question(claim, jid).then((found) => {
        if (enquiries.get(claim.key) !== enquiry || enquiry.claimants.get(jid.toString()) !== next) return
        if (found) {
          keep(claim.key, found)
          remember(claim.key, found)
          return tell(claim.key)
        }
        enquiry.claimants.delete(jid.toString())
        enquiry.asked.delete(jid.bare.toString())
        if (next.session?.isEnded !== true) mistrust(jid, claim)
        if (enquiry.claimants.size > 0) return ask(claim, enquiry)
        enquiry.cancel()
        enquiries.delete(claim.key)
      })
    }

    function mistrust(jid: Jid, { key }: Claim): void {
      if (lies >= mostLies) {
        liars.clear()
        lies = 0
      }
      const claims = liars.get(jid.toString()) ?? new Set()
      liars.set(jid.toString(), claims.add(flatten(key)))
      lies++
    }

    /** It could not answer, or is another client by now. */
    function trustAgain({ session: { jid } }: { readonly session: Target }): void {
      lies -= liars.get(jid.toString())?.size ?? 0
      liars.delete(jid.toString())
    }

    host.on('session:bound', trustAgain)
    host.on('session:resumed', trustAgain)
    host.onStop(() => {
      for (const enquiry of enquiries.values()) enquiry.cancel()
    })

    async function question({ node, fits }: Claim, jid: Jid): Promise<readonly string[] | undefined> {
      try {
        const query = DiscoInfo.write({ node, identities: [], features: [], forms: [] })
        const answer = await host.ask(iq({ type: 'get', from: host.domain, to: jid }, query))
        if (answer?.name !== DiscoInfo.name || answer.ns !== DiscoInfo.ns || !fits(answer)) return undefined
        const found = DiscoInfo.read(answer).features.map(flatten)
        return found.length <= mostFeatures && found.join('').length <= mostText ? found : undefined
      } catch (error) {
        if (error instanceof StanzaError) return undefined
        throw error
      }
    }

    function remember(key: string, found: readonly string[]): ReadonlySet<string> {
      if (remembered.size >= inMemory) remembered.delete(remembered.keys().next().value!)
      const set = new Set(found)
      remembered.set(flatten(key), set)
      return set
    }

    function keep(key: string, found: readonly string[]): void {
      void when(counts.get('', ''), (count = 0) => {
        if (count >= host.config.entries) return
        void counts.edit('', '', () => count + 1)
        void known.edit(key, '', () => found)
      })
    }

    function tell(key: string): void {
      const { claimants, cancel } = enquiries.get(key)!
      cancel()
      enquiries.delete(key)
      for (const { jid, presences } of claimants.values())
        for (const presence of presences.values()) for (const listener of listeners) listener(jid, presence)
    }

    return {
      features,
      /** Calls back when it has become known what an entity can do that was asked for with `features`; returns what ends that. */
      onLearnt(listener: Learnt): () => void {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
  },
})

/** Most characters of a claim that is remembered. */
const mostClaim = 2000

/** A presence of which only the claim is left, for whoever remembers it longer than it is handled. */
export function withoutAllButCaps(full: Presence): Presence {
  const claims = full
    .elements()
    .filter(({ name, ns }) => name === Caps.name && (ns === Caps.ns || ns === CapsHashes.ns))
  const texts = claims.map(String).filter((text) => text.length <= mostClaim)
  return presenceOf({ from: full.from, to: full.to }, ...texts.slice(0, 2).map((text) => parse(text)))
}

/** The claim in a presence that can be verified, XEP-0390's before XEP-0115's. */
function claimOf(presence: Presence): Claim | undefined {
  const hashes = presence.child(CapsHashes.name, CapsHashes.ns)
  const found = hashes && newer(hashes)
  if (found) return found
  const caps = presence.child(Caps.name, Caps.ns)
  const hash = caps?.attr('hash')
  const ver = caps?.attr('ver')
  const node = caps?.attr('node')
  if (hash === undefined || ver === undefined || node === undefined || !Object.hasOwn(functions, hash)) return undefined
  if (ver.length > longestHash) return undefined
  return {
    key: `115 ${hash} ${ver}`,
    node: `${node}#${ver}`,
    fits: (query) => isWellFormed(query) && digest(hash, capsText(DiscoInfo.read(query))) === ver,
  }
}

function newer(element: Element): Claim | undefined {
  for (const child of element.elements()) {
    const algorithm = child.attr('algo')
    if (algorithm === undefined || !Object.hasOwn(functions, algorithm) || algorithm === 'sha-1') continue
    const hash = child.text.trim()
    if (hash.length > longestHash) continue
    const fits = (query: Element) => {
      const text = capsHashText(query)
      return text !== undefined && digest(algorithm, text) === hash
    }
    return { key: `390 ${algorithm} ${hash}`, node: capsHashNode(algorithm, hash), fits }
  }
  return undefined
}

/** XEP-0115 §5.4 items 3.3 to 3.5: whoever says something twice may want to be taken for another. */
function isWellFormed(query: Element): boolean {
  const { identities, features, forms } = DiscoInfo.read(query)
  const said = identities.map(({ category, type, lang, name }) => JSON.stringify([category, type, lang, name]))
  const types = forms.flatMap((form) => fieldValues(form, 'FORM_TYPE')?.slice(0, 1) ?? [])
  return (
    new Set(said).size === said.length &&
    new Set(features).size === features.length &&
    new Set(types).size === types.length &&
    forms.every((form) => new Set(fieldValues(form, 'FORM_TYPE')).size <= 1)
  )
}

function digest(algorithm: string, text: string): string {
  return createHash(functions[algorithm]!).update(text).digest('base64')
}
