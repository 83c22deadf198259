import type { Contact } from '../roster/contact.ts'

/** RFC 6121 §3: the types of presence that manage subscriptions. */
export const subscriptionTypes = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const
export type SubscriptionType = (typeof subscriptionTypes)[number]

/** RFC 6121 A.1: the nine states, as a contact's record has them: its subscription, Pending Out, Pending In. */
const states = [
  ['None', 'none', false, false],
  ['None + Pending Out', 'none', true, false],
  ['None + Pending In', 'none', false, true],
  ['None + Pending Out+In', 'none', true, true],
  ['To', 'to', false, false],
  ['To + Pending In', 'to', false, true],
  ['From', 'from', false, false],
  ['From + Pending Out', 'from', true, false],
  ['Both', 'both', false, false],
] as const
export type State = (typeof states)[number][0]

type Changes = Readonly<Record<SubscriptionType, { readonly [Old in State]?: State }>>

/** RFC 6121 A.2: what the account's own stanzas change; in the states left out, nothing. */
const outboundChanges: Changes = {
  subscribe: {
    None: 'None + Pending Out',
    'None + Pending In': 'None + Pending Out+In',
    From: 'From + Pending Out',
  },
  unsubscribe: {
    'None + Pending Out': 'None',
    'None + Pending Out+In': 'None + Pending In',
    To: 'None',
    'To + Pending In': 'None + Pending In',
    'From + Pending Out': 'From',
    Both: 'From',
  },
  subscribed: {
    'None + Pending In': 'From',
    'None + Pending Out+In': 'From + Pending Out',
    'To + Pending In': 'Both',
  },
  unsubscribed: {
    'None + Pending In': 'None',
    'None + Pending Out+In': 'None + Pending Out',
    'To + Pending In': 'To',
    From: 'None',
    'From + Pending Out': 'None + Pending Out',
    Both: 'To',
  },
}

/** RFC 6121 A.3: what the contact's stanzas change. */
const inboundChanges: Changes = {
  subscribe: {
    None: 'None + Pending In',
    'None + Pending Out': 'None + Pending Out+In',
    To: 'To + Pending In',
  },
  unsubscribe: {
    'None + Pending In': 'None',
    'None + Pending Out+In': 'None + Pending Out',
    'To + Pending In': 'To',
    From: 'None',
    'From + Pending Out': 'None + Pending Out',
    Both: 'To',
  },
  subscribed: {
    'None + Pending Out': 'To',
    'None + Pending Out+In': 'To + Pending In',
    'From + Pending Out': 'Both',
  },
  unsubscribed: {
    'None + Pending Out': 'None',
    'None + Pending Out+In': 'None + Pending In',
    To: 'None',
    'To + Pending In': 'None + Pending In',
    'From + Pending Out': 'From',
    Both: 'From',
  },
}

export interface Transition {
  readonly state: State
  /** Outbound: it is routed to the contact. Inbound: it is delivered to the account. */
  readonly passes: boolean
}

export function outbound(type: SubscriptionType, state: State): Transition {
  const next = outboundChanges[type][state]
  // A.2.1, A.2.2: requests always go out, which mends a contact's server that thinks otherwise.
  const passes = next !== undefined || type === 'subscribe' || type === 'unsubscribe'
  return { state: next ?? state, passes }
}

export function inbound(type: SubscriptionType, state: State): Transition {
  const next = inboundChanges[type][state]
  return { state: next ?? state, passes: next !== undefined }
}

export function stateOf({ subscription, ask, request }: Contact): State {
  const isAsked = request !== ''
  return states.find((state) => state[1] === subscription && state[2] === ask && state[3] === isAsked)![0]
}

/** The contact in another state; one that is Pending In keeps its request, or gets this one. */
export function inState(contact: Contact, state: State, request = contact.request): Contact {
  const [, subscription, ask, isAsked] = states.find(([name]) => name === state)!
  return { ...contact, subscription, ask, request: isAsked ? request : '' }
}
