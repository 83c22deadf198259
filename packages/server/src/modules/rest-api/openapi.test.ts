import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Document, stage } from './fixture.ts'

function operationsOf({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  )
}

test('every operation names the parameters of its path, and has an id of its own', async () => {
  const { openApi } = await stage()
  const operations = operationsOf(openApi)
  for (const { path, parameters } of operations)
    expect(
      parameters
        .filter((one) => one.in === 'path')
        .map(({ name }) => `{${name}}`)
        .toSorted(),
    ).toEqual((path.match(/\{\w+\}/g) ?? []).toSorted())
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
})

test('every operation is refused to a token with all scopes but its own', async () => {
  const { openApi, api, ask } = await stage()
  const tokens = new Map(
    api()
      .scopes()
      .map((scope) => [
        scope,
        api().addToken({
          name: scope.replace(':', '-'),
          scopes: api()
            .scopes()
            .filter((one) => one !== scope),
        }),
      ]),
  )
  for (const { path, method, security } of operationsOf(openApi)) {
    const token = tokens.get(security[0]!.token[0]!)!
    const { status } = await ask(method, path.replaceAll(/\{\w+\}/g, 'x'), { token })
    expect(status, `${method} ${path}`).toBe(403)
  }
})

test('RFC 9457: whatever is asked, by whoever may, is answered as the document says, and never with 500', async () => {
  const { openApi, ask, s } = await stage()
  const good: Record<string, readonly string[]> = {
    account: ['romeo@home.test', 'nurse@home.test'],
    room: ['a@rooms.home.test'],
    user: ['juliet@home.test', 'home.test'],
    resource: ['phone'],
    nick: ['wolf'],
  }
  const text = fc.oneof(
    fc.constantFrom(
      ...Object.values(good).flat(),
      '',
      '@',
      'a@b/c',
      'member',
      '%',
      '/',
      '\u0000',
      '\ud800',
      'é'.repeat(1100),
    ),
    fc.string({ maxLength: 20 }),
  )
  const anything = fc.oneof(
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double(),
    fc.array(text, { maxLength: 3 }),
  )
  const request = fc.constantFrom(...operationsOf(openApi)).chain((operation) => {
    const { properties = {} } = (operation.requestBody?.content['application/json']?.schema ?? {}) as {
      properties?: Record<string, { enum?: unknown[]; type?: string }>
    }
    const likely = (name: string, { enum: words, type }: { enum?: unknown[]; type?: string }) =>
      fc.oneof(
        {
          weight: 3,
          arbitrary: words
            ? fc.constantFrom(...words)
            : type === 'boolean'
              ? fc.boolean()
              : type === 'integer'
                ? fc.integer({ min: 0, max: 9 })
                : type === 'object'
                  ? fc.constant({})
                  : fc.constantFrom(...(good[name] ?? Object.values(good).flat()), 'the wine is red'),
        },
        { weight: 1, arbitrary: anything },
      )
    const body = fc.record(
      Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, likely(name, schema)])),
      { requiredKeys: [] },
    )
    const named = (place: string) =>
      fc.record(
        Object.fromEntries(
          operation.parameters
            .filter((one) => one.in === place)
            .map(({ name }) => [name, fc.oneof(fc.constantFrom(...(good[name] ?? ['1'])), text)]),
        ),
        { requiredKeys: [] },
      )
    return fc.record({
      operation: fc.constant(operation),
      path: named('path'),
      query: named('query'),
      body: operation.requestBody
        ? fc.oneof(
            { weight: 5, arbitrary: body.map((one) => JSON.stringify(one)) },
            { weight: 1, arbitrary: anything.map((one) => JSON.stringify(one) ?? '') },
          )
        : fc.constant(undefined),
    })
  })
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(request, async ({ operation, path, query, body }) => {
      const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(path[name] ?? 'x'))
      const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, value!.toWellFormed()]))
      const { status } = await ask(operation.method, `${filled}?${search}`, { body })
      expect(status).not.toBe(500)
      seen.add(status)
    }),
    { numRuns: 600, seed: 5 },
  )
  expect([...seen]).toEqual(expect.arrayContaining([200, 201, 204, 400, 404, 422]))
  expect(s.server.trouble).toBeUndefined()
}, 60_000)

/** A step of a path: an empty one, or one of dots, would be no step. */
function encoded(step: string): string {
  const text = encodeURIComponent(step.toWellFormed())
  return /^\.*$/.test(text) ? 'x' : text
}
