import { describe, expect, test } from 'vitest'
import { stranger } from '../roster/contact.ts'
import { inbound, inState, outbound, type State, stateOf, type SubscriptionType } from './transitions.ts'

/** The rows of RFC 6121 A.2 and A.3: existing state | whether it is routed or delivered | new state, '-' for no change. */
const tables = {
  'A.2.1': `
    None                  | yes | None + Pending Out
    None + Pending Out    | yes | -
    None + Pending In     | yes | None + Pending Out+In
    None + Pending Out+In | yes | -
    To                    | yes | -
    To + Pending In       | yes | -
    From                  | yes | From + Pending Out
    From + Pending Out    | yes | -
    Both                  | yes | -`,
  'A.2.2': `
    None                  | yes | -
    None + Pending Out    | yes | None
    None + Pending In     | yes | -
    None + Pending Out+In | yes | None + Pending In
    To                    | yes | None
    To + Pending In       | yes | None + Pending In
    From                  | yes | -
    From + Pending Out    | yes | From
    Both                  | yes | From`,
  'A.2.3': `
    None                  | no  | -
    None + Pending Out    | no  | -
    None + Pending In     | yes | From
    None + Pending Out+In | yes | From + Pending Out
    To                    | no  | -
    To + Pending In       | yes | Both
    From                  | no  | -
    From + Pending Out    | no  | -
    Both                  | no  | -`,
  'A.2.4': `
    None                  | no  | -
    None + Pending Out    | no  | -
    None + Pending In     | yes | None
    None + Pending Out+In | yes | None + Pending Out
    To                    | no  | -
    To + Pending In       | yes | To
    From                  | yes | None
    From + Pending Out    | yes | None + Pending Out
    Both                  | yes | To`,
  'A.3.1': `
    None                  | yes | None + Pending In
    None + Pending Out    | yes | None + Pending Out+In
    None + Pending In     | no  | -
    None + Pending Out+In | no  | -
    To                    | yes | To + Pending In
    To + Pending In       | no  | -
    From                  | no  | -
    From + Pending Out    | no  | -
    Both                  | no  | -`,
  'A.3.2': `
    None                  | no  | -
    None + Pending Out    | no  | -
    None + Pending In     | yes | None
    None + Pending Out+In | yes | None + Pending Out
    To                    | no  | -
    To + Pending In       | yes | To
    From                  | yes | None
    From + Pending Out    | yes | None + Pending Out
    Both                  | yes | To`,
  'A.3.3': `
    None                  | no  | -
    None + Pending Out    | yes | To
    None + Pending In     | no  | -
    None + Pending Out+In | yes | To + Pending In
    To                    | no  | -
    To + Pending In       | no  | -
    From                  | no  | -
    From + Pending Out    | yes | Both
    Both                  | no  | -`,
  'A.3.4': `
    None                  | no  | -
    None + Pending Out    | yes | None
    None + Pending In     | no  | -
    None + Pending Out+In | yes | None + Pending In
    To                    | yes | None
    To + Pending In       | yes | None + Pending In
    From                  | no  | -
    From + Pending Out    | yes | From
    Both                  | yes | From`,
}

const rowsOf = (table: string) =>
  table
    .trim()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()) as [State, 'yes' | 'no', State | '-'])

// In the order of the appendix, which is not that of the sections.
const types: readonly SubscriptionType[] = ['subscribe', 'unsubscribe', 'subscribed', 'unsubscribed']

for (const [section, table] of Object.entries(tables)) {
  const [, direction, number] = section.split('.')
  const type = types[Number(number) - 1]!
  const transition = direction === '2' ? outbound : inbound
  describe(`RFC 6121 ${section}: ${direction === '2' ? 'outbound' : 'inbound'} ${type}`, () => {
    test.each(rowsOf(table))('%s: passes %s, new state %s', (state, passes, next) => {
      expect(transition(type, state)).toEqual({ state: next === '-' ? state : next, passes: passes === 'yes' })
    })
  })
}

test('RFC 6121 A.1: each of the nine states is read from the contact that is put in it', () => {
  const nine = rowsOf(tables['A.2.1']).map(([state]) => state)
  expect(new Set(nine).size).toBe(9)
  for (const state of nine) expect(stateOf(inState(stranger, state, '<presence/>'))).toBe(state)
})

test('RFC 6121 A.1: a contact keeps its request as long as it is Pending In', () => {
  const asked = inState(stranger, 'None + Pending In', '<presence/>')
  expect(inState(asked, 'None + Pending Out+In').request).toBe('<presence/>')
  expect(inState(asked, 'From').request).toBe('')
})
