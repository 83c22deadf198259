import type * as z from 'zod'
import { nearest } from './nearest.ts'

/** One thing that is wrong in a configuration. */
export interface Problem {
  /** The field: ['limits', 'depth']. */
  readonly path: readonly PropertyKey[]
  /** It is the field's name that is wrong, not its value. */
  readonly isName: boolean
  /** 'unknown field "dept"; did you mean "depth"?' */
  readonly sentence: string
}

/** A configuration that cannot be used. The message has a line for each problem: 'jackdaw.yaml:3:5: limits.depth: expected …'. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** More than these are not told of at once: such a file is none of ours. */
export const mostProblems = 20

/** Wording for zod's findings: what was expected, in the words of someone who writes YAML. */
export const wording: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownName('field', key, fieldsOf(issue.inst))).join('\n')
    case 'invalid_type':
      return `${issue.input === undefined ? 'is missing: ' : ''}expected ${words[issue.expected] ?? issue.expected}`
    case 'invalid_value': {
      const suggestion = nearest(String(issue.input), issue.values.map(String))
      return `expected ${issue.values.map(String).join(' or ')}${suggestion === undefined ? '' : `; did you mean "${suggestion}"?`}`
    }
    case 'invalid_key':
      return `"${String(issue.input)}": ${issue.issues[0]?.message ?? 'this name cannot be used'}`
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'expected text, and this is none'
      return `expected at least ${issue.minimum}${units[issue.origin] ?? ''}`
    case 'too_big':
      return `expected at most ${issue.maximum}${units[issue.origin] ?? ''}`
    default:
      return undefined
  }
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'fields',
  record: 'fields',
  array: 'a list',
}
const units: Readonly<Record<string, string>> = { string: ' letters', array: ' entries' }

export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const suggestion = nearest(name, known)
  if (suggestion !== undefined) return `unknown ${kind} "${name}"; did you mean "${suggestion}"?`
  if (known.length === 0) return `unknown ${kind} "${name}"; there are none here`
  return `unknown ${kind} "${name}"; known are ${known.join(', ')}`
}

export function problemsOf(error: z.ZodError): Problem[] {
  const found = error.issues.flatMap((issue, at): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const sentences = issue.message.split('\n')
      return issue.keys.map((key, nth) => ({ path: [...issue.path, key], isName: true, sentence: sentences[nth]! }))
    }
    // Two bounds of one value are both broken: the second is the tighter one.
    const next = error.issues[at + 1]
    if (issue.code === 'too_big' && next?.code === 'too_big' && next.path.join() === issue.path.join()) return []
    return [{ path: issue.path, isName: issue.code === 'invalid_key', sentence: issue.message }]
  })
  return found.slice(0, mostProblems)
}

function fieldsOf(schema: unknown): string[] {
  return Object.keys((schema as z.ZodObject | undefined)?.shape ?? {})
}
