import type { Account, Device } from './device.ts'
import type { Model } from './model.ts'
import { describeContact } from './model-contact.ts'
import type { Expected, ModelAccount, ModelSession } from './model-state.ts'

export type Complain = (rule: string, what: string) => void

/** Holds what the devices have seen against the model, when nothing is on its way any more. */
export function judge(model: Model, devices: readonly Device[], complain: Complain): void {
  for (const device of devices) {
    for (const account of device.accounts) {
      if (!account.model) continue
      const name = `${device.jid.toString()}${account.model.isEnded ? ' (ended)' : ''}`
      judgeMessages(name, account, account.model, model.uncertain, complain)
      judgeOrder(name, account, account.model, complain)
      judgeSequences('RFC 6121 §4: presence', name, account.seen, account.model.seen, account.model.isEnded, complain)
      const [heard, expected] = [byContact(account.requests), byContact(account.model.requests)]
      judgeSequences('RFC 6121 §3: subscription stanzas', name, heard, expected, account.model.isEnded, complain)
    }
    judgePresent(device, model, complain)
  }
}

/** Exactly once, and nothing else. */
function judgeMessages(
  name: string,
  { heard, undelivered, isManaged }: Account,
  model: ModelSession,
  uncertain: ReadonlySet<string>,
  complain: Complain,
): void {
  const left = new Map<string, number>()
  const key = ({ what, id, of }: { what: string; id: string; of: string }) => `${what} ${id} (${of})`
  for (const one of model.expected) left.set(key(one), (left.get(key(one)) ?? 0) + 1)
  for (const one of heard) left.set(key(one), (left.get(key(one)) ?? 0) - 1)
  for (const [what, count] of left) {
    const isCopy = /^(sent|received)/.test(what)
    const rule = isCopy
      ? 'XEP-0280: copies'
      : what.startsWith('error')
        ? 'RFC 6121 §8.5: errors'
        : 'RFC 6121 §8.5: messages'
    const id = what.split(' ')[1]!
    if (count < 0 && !uncertain.has(id)) complain(rule, `${name} heard ${what} ${-count} times too often`)
    // What a session that ended had not acknowledged, or had before it was managed, may have been lost on its way.
    else if (count > 0 && !(model.isEnded && (!isManaged || !what.startsWith('message') || undelivered.includes(id))))
      complain(rule, `${name} never heard ${what}`)
  }
}

/** In the order of the sending, per pair. */
function judgeOrder(name: string, { heard }: Account, model: ModelSession, complain: Complain): void {
  const place = new Map<string, number>()
  model.expected.forEach((one, i) => isInOrder(one) && place.set(one.id, i))
  const last = new Map<string, number>()
  for (const { what, id, of } of heard) {
    const at = place.get(id)
    if (what !== 'message' || at === undefined) continue
    // That it may come again is another matter.
    place.delete(id)
    if (at < (last.get(of) ?? 0)) complain('RFC 6120 §10.1: order', `${name} heard ${id} behind a later one of ${of}`)
    last.set(of, at)
  }
}

function isInOrder(expected: Expected): boolean {
  return expected.what === 'message' && expected.isInOrder
}

/** Each of the sequences as expected; of an ended session, a beginning of it. */
function judgeSequences(
  rule: string,
  name: string,
  heard: ReadonlyMap<string, readonly (string | undefined)[]>,
  expected: ReadonlyMap<string, readonly (string | undefined)[]>,
  isEnded: boolean,
  complain: Complain,
): void {
  const show = (sequence: readonly (string | undefined)[]) => sequence.map((one) => one ?? 'gone').join(' ')
  for (const key of new Set([...heard.keys(), ...expected.keys()])) {
    const [is, must] = [heard.get(key) ?? [], expected.get(key) ?? []]
    const [a, b] = [show(is), show(isEnded ? must.slice(0, is.length) : must)]
    if (a !== b) complain(rule, `${name} of ${key}: ${a || 'nothing'}, not ${b || 'nothing'}`)
  }
}

function byContact(requests: readonly string[]): Map<string, string[]> {
  const sequences = new Map<string, string[]>()
  for (const request of requests) {
    const [type, jid] = request.split(' ') as [string, string]
    sequences.set(jid, [...(sequences.get(jid) ?? []), type])
  }
  return sequences
}

function judgePresent({ jid, account, state }: Device, model: Model, complain: Complain): void {
  const name = jid.toString()
  const session = model.session(jid)
  if (state !== 'online') return complain('quiet', `${name} is not online`)
  if (!session || session !== account.model) return complain('quiet', `${name} has not the session that the model has`)
  const sent = account.sent.length
  if (sent !== session.handled) complain('XEP-0198 §4: handled', `${session.handled} of the ${sent} stanzas of ${name}`)
  const roster = rosterOf(session.account)
  const own = account.roster
  if (!own) return complain('RFC 6121 §2: roster', `${name} has none`)
  for (const key of new Set([...roster.keys(), ...own.keys()]))
    if (roster.get(key) !== own.get(key))
      complain('RFC 6121 §2: roster', `${name} has ${key} as ${own.get(key)}, not as ${roster.get(key)}`)
  const archive = session.account.archive.join(' ')
  if (account.archive.join(' ') !== archive)
    complain('XEP-0313: archive', `${name} found ${account.archive.join(' ')}, not ${archive}`)
}

function rosterOf({ contacts }: ModelAccount): Map<string, string> {
  const listed = [...contacts].filter(([, { isListed }]) => isListed)
  return new Map(listed.map(([jid, contact]) => [jid, describeContact(contact)]))
}
