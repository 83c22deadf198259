import { Element, formsNs, type Node } from '@jackdaw/xmpp'
import fc from 'fast-check'
import type { Vocabulary } from './vocabulary.ts'

/** A request that somebody answers, wherever that is. */
export interface Registered {
  readonly type: 'get' | 'set'
  readonly name: string
  readonly ns: string
  /** Addresses at which it is answered; undefined: without `to`. */
  readonly to: readonly (string | undefined)[]
}

const values = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('', '0', '1', '-1', '2147483648', '1e999', 'true', 'false', 'x'.repeat(3000)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '2026-01-01T00:00:00Z',
      '9999-99-99T99:99:99Z',
      'not a date',
      'aGk=',
      '%%%',
      '\u{1f600}',
      '\u202e',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
)

/** Stanzas that resemble those which the server understands: payloads of its own, filled with its own words, in any order and depth. */
export function stanzas(
  { words, namespaces, near }: Vocabulary,
  registered: readonly Registered[],
  addresses: readonly string[],
): fc.Arbitrary<Element> {
  const address = fc.constantFrom(...addresses)
  const anyWord = fc.constantFrom(...words)
  const value = fc.oneof(
    { weight: 3, arbitrary: values },
    { weight: 2, arbitrary: address },
    { weight: 2, arbitrary: fc.constantFrom(...namespaces) },
    { weight: 3, arbitrary: anyWord },
  )
  const nameOf = (word: string) => word.replace(/[^\w.-]/g, '-')
  const attributesOf = (word: fc.Arbitrary<string>) =>
    fc
      .uniqueArray(fc.tuple(word.map(nameOf), value), { maxLength: 3, selector: ([name]) => name })
      .map((pairs) => pairs.filter(([name]) => !name.startsWith('xml')).flat())

  const form = fc
    .record({
      type: fc.constantFrom('submit', 'submit', 'submit', 'form', 'cancel', 'result', 'x'),
      formType: fc.option(fc.constantFrom(...namespaces)),
      suffix: fc.constantFrom(
        '',
        '',
        '#roomconfig',
        '#node_config',
        '#publish-options',
        '#register',
        '#subscribe_options',
      ),
      fields: fc.array(fc.tuple(anyWord, fc.array(value, { maxLength: 2 })), { maxLength: 5 }),
    })
    .map(({ type, formType, suffix, fields }) => {
      const field = (name: string, texts: readonly string[]) =>
        new Element(
          'field',
          formsNs,
          ['var', name],
          texts.map((text) => new Element('value', formsNs, [], [text])),
        )
      const head = formType === null ? [] : [field('FORM_TYPE', [formType + suffix])]
      return new Element('x', formsNs, ['type', type], [...head, ...fields.map(([name, texts]) => field(name, texts))])
    })

  /** An element of the namespace with a few children, mostly of words that belong to it. */
  const elementOf = (ns: string, name: fc.Arbitrary<string>, depth: number): fc.Arbitrary<Element> => {
    const own = fc.constantFrom(...near(ns))
    const word = fc.oneof({ weight: 4, arbitrary: own }, { weight: 1, arbitrary: anyWord })
    const child: fc.Arbitrary<Node> =
      depth === 0
        ? value
        : fc.oneof(
            { weight: 6, arbitrary: fc.constant(0).chain(() => elementOf(ns, word.map(nameOf), depth - 1)) },
            { weight: 2, arbitrary: value },
            { weight: 2, arbitrary: form },
            {
              weight: 1,
              arbitrary: fc.constantFrom(...namespaces).chain((other) => elementOf(other, word.map(nameOf), 0)),
            },
          )
    return fc
      .tuple(name, attributesOf(word), fc.array(child, { maxLength: 3 }))
      .map(([local, attrs, children]) => new Element(local, ns, attrs, children))
  }

  const request = fc.constantFrom(...registered).chain(({ type, name, ns, to }) =>
    fc.record({
      kind: fc.constant('iq'),
      type: fc.constant<string | undefined>(type),
      to: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...to) }, { weight: 1, arbitrary: address }),
      children: elementOf(ns, fc.constant(name), 3).map((one) => [one]),
    }),
  )
  const other = fc.record({
    kind: fc.constantFrom('message', 'message', 'presence', 'iq'),
    type: fc.constantFrom(
      ...[undefined, 'chat', 'normal', 'groupchat', 'headline', 'error', 'get', 'set', 'result', 'x'],
      ...[undefined, 'unavailable', 'probe', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'],
    ),
    to: fc.option(address, { nil: undefined }),
    children: fc.array(
      fc.oneof(
        fc.constantFrom(...namespaces).chain((ns) => elementOf(ns, fc.constantFrom(...near(ns)).map(nameOf), 2)),
        fc
          .constantFrom('body', 'subject', 'thread', 'priority', 'status', 'show')
          .chain((name) => elementOf('jabber:client', fc.constant(name), 0)),
      ),
      { maxLength: 4 },
    ),
  })
  return fc
    .oneof({ weight: 3, arbitrary: request }, { weight: 1, arbitrary: other })
    .map(({ kind, type, to, children }) => {
      const attrs = [...(type === undefined ? [] : ['type', type]), ...(to === undefined ? [] : ['to', to])]
      return new Element(kind, 'jabber:client', attrs, children)
    })
}
