import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair } from 'yaml'
import { ConfigError, mostProblems } from './problem.ts'
import type { Problem } from './problem.ts'

/** What a YAML file says, and where it says it. */
export interface Yaml {
  /** A section with nothing in it is an empty object. */
  readonly value: unknown
  /** 'jackdaw.yaml:3:5: limits.depth: expected …' */
  readonly locate: (problem: Problem) => string
}

/** @throws {ConfigError} for what is no YAML. */
export function readYaml(source: string, fileName: string): Yaml {
  const lines = new LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${fileName}:${line}:${col}`
  }
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    // What is odd is refused below, not muttered about on standard error.
    logLevel: 'error',
  })
  const wrong = [...document.errors, ...document.warnings]
  if (wrong.length > 0)
    throw new ConfigError(
      wrong
        .slice(0, mostProblems)
        .map(({ pos, code, message }) => `${at(pos[0])}: ${phrases[code] ?? message}`)
        .join('\n'),
    )
  const loop = findLoop(document)
  if (loop !== undefined) throw new ConfigError(`${at(loop)}: the alias stands inside of what it stands for`)
  let written: unknown
  try {
    written = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw new ConfigError(`${fileName}: ${(error as Error).message}`, { cause: error })
  }
  return {
    value: fillEmpty(written),
    locate: (problem) => `${at(offsetOf(document, problem))}: ${describePath(problem)}${problem.sentence}`,
  }
}

const phrases: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'expected one document, and a second begins here',
  DUPLICATE_KEY: 'this field stands here twice: remove one of them',
  TAB_AS_INDENT: 'lines are indented with spaces, not with tabs',
}

/** Where an alias stands inside of its own anchor: what it says would have no end. */
function findLoop(document: Document.Parsed): number | undefined {
  let found: number | undefined
  visit(document, {
    Alias(_, alias, path) {
      const target = alias.resolve(document)
      if (target === undefined || !path.includes(target)) return undefined
      found = startOf(alias)
      return visit.BREAK
    },
  })
  return found
}

/** 'limits.depth: ', or nothing at the top and where the sentence says the name itself. */
export function describePath({ path, isName }: Problem): string {
  const fields = isName ? path.slice(0, -1) : path
  return fields.length === 0 ? '' : `${fields.map(String).join('.')}: `
}

function fillEmpty(value: unknown): unknown {
  if (value === null) return {}
  if (Array.isArray(value)) return value.map(fillEmpty)
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillEmpty(inner)]))
}

/** The name's or value's place; of a field that is missing, its section's. */
function offsetOf(document: Document.Parsed, { path, isName }: Problem): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [depth, name] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))
      if (pair === undefined) return offset
      if (isName && depth === path.length - 1) return startOf(pair.key) ?? offset
      node = pair.value
      // An empty value stands nowhere: its name is what the reader sees.
      offset = (isScalar(node) && node.value === null ? startOf(pair.key) : startOf(node)) ?? offset
    } else if (isSeq(node)) {
      node = node.items[Number(name)]
      offset = startOf(node) ?? offset
    } else return offset
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
