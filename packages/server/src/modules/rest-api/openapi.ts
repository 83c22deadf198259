import * as z from 'zod'
import type { Endpoint } from '../../module.ts'
import { number } from '../version.ts'
import { problemSchema } from './problem.ts'

/** OpenAPI 3.1 of the operations, from the schemas that check them. */
export function openApi(endpoints: readonly Endpoint[], title: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const endpoint of endpoints.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    (paths[endpoint.path] ??= {})[endpoint.method] = operation(endpoint)
  return {
    openapi: '3.1.1',
    info: { title, version: number, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Made by `jackdaw token add`.' } },
    },
  }
}

function operation(endpoint: Endpoint): object {
  const { answer, body, isRepeatable, method, moreScopes = [], params, path, query, scope, summary } = endpoint
  const { description, schema, status, type = 'application/json' } = answer
  return {
    operationId: `${method}${path.replaceAll(/[/{}-]+(.)?/g, (_, letter: string = '') => letter.toUpperCase())}`,
    tags: [path.split('/')[1]],
    summary,
    description: `Needs the scope \`${scope}\`${moreScopes.map((more) => `; for some requests \`${more}\``).join('')}.`,
    // OpenAPI 3.1 §4.8.30: roles, for schemes other than OAuth.
    security: [{ token: [scope] }],
    parameters: [
      ...parameters('path', params),
      ...parameters('query', query),
      ...(isRepeatable === true ? [idempotencyKey] : []),
    ],
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } },
    }),
    responses: {
      [status]: { description, ...(schema && { content: { [type]: { schema: jsonSchema(schema, 'output') } } }) },
      default: {
        description: 'What went wrong.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Sent again with the same one within a day, the request is answered in the same way, and nothing is done twice.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

function parameters(place: 'path' | 'query', schema: z.ZodObject | undefined): object[] {
  if (!schema) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }))
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
