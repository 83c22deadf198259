import { type ScenarioOptions, scenario } from '@jackdaw/testkit'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { expect, onTestFinished } from 'vitest'
import { restApi } from './rest-api.ts'

interface Operation {
  readonly operationId: string
  readonly security: readonly { readonly token: readonly string[] }[]
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

export interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

interface Asked {
  readonly body?: unknown
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A host with a REST API, and a program that has a token with all scopes. Whatever it is answered must be as the document says. */
export async function stage(options: ScenarioOptions = {}) {
  const s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, ...options })
  onTestFinished(() => s.stop())
  const api = () => s.server.hosts.get('home.test')!.modules.api(restApi)!
  const all = api().addToken({ name: 'all', scopes: api().scopes() })

  function http(method: string, path: string, { body, token = all, headers = {} }: Asked = {}): Promise<Response> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    return s.network.http(
      new Request(`https://home.test/api/v1${path}`, {
        method,
        headers: {
          ...(token !== '' && { authorization: `Bearer ${token}` }),
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(text !== undefined && { body: text }),
      }),
    )
  }

  const openApi = (await (await http('GET', '/openapi.json')).json()) as Document
  const ajv = new Ajv2020({
    strict: false,
    formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) },
  })
  ajv.addSchema({ $id: 'https://api.test/openapi', ...openApi })
  const validators = new Map<object, ValidateFunction>()
  function check(schema: object, value: unknown): void {
    const whole = JSON.parse(
      JSON.stringify(schema).replaceAll('"#/components', '"https://api.test/openapi#/components'),
    ) as object
    const validate = validators.get(schema) ?? ajv.compile(whole)
    validators.set(schema, validate)
    expect(validate(value), JSON.stringify([validate.errors, value])).toBe(true)
  }

  /** The most particular one: '/a/{b}' after '/a/c'. */
  function pathOf(path: string): string | undefined {
    const steps = path.split('?')[0]!.split('/')
    return Object.keys(openApi.paths)
      .toSorted((a, b) => a.split('{').length - b.split('{').length)
      .find((template) => {
        const wanted = template.split('/')
        return wanted.length === steps.length && wanted.every((step, at) => step.startsWith('{') || step === steps[at])
      })
  }

  async function ask(method: string, path: string, asked: Asked = {}) {
    const response = await http(method, path, asked)
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    const template = pathOf(path)
    const operation = template === undefined ? undefined : openApi.paths[template]![method.toLowerCase()]
    const lines = type === 'application/x-ndjson' ? text.split('\n').slice(0, -1) : text === '' ? [] : [text]
    const json = lines.map((line) => JSON.parse(line) as unknown)
    const expected = operation?.responses[response.status] ?? { content: problems }
    if (response.status >= 400) expect(type).toBe('application/problem+json')
    else expect(operation, `${method} ${path} answered ${response.status}`).toBeDefined()
    if (type !== 'application/x-ndjson')
      expect(lines.length > 0, `${method} ${path} answered ${response.status} ${text}`).toBe(
        expected.content !== undefined,
      )
    for (const one of json) check(expected.content![type]!.schema, one)
    return { status: response.status, headers: response.headers, lines: json, json: json[0] as any }
  }

  /** A token with these scopes alone. */
  const token = (...scopes: string[]): string =>
    api().addToken({ name: `of-${scopes.join('.').replaceAll(':', '-')}`, scopes })

  return { s, api, ask, http, token, openApi, all }
}

const problems: Readonly<Record<string, { readonly schema: object }>> = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
}
