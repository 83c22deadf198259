import { flatten } from './flatten.ts'

/** Longer ones are not remembered. */
const longest = 64
const places = 1024

/** The names and namespaces that were read last, each in the one place that its first, middle and last unit and its length give it. */
const known: string[] = Array.from({ length: places }, () => '')

/**
 * A part of the text, as the string that it was when it was last read: names recur, and so there is nothing to copy, and who compares one
 * with a literal compares two addresses.
 */
export function named(text: string, start: number, end: number): string {
  const length = end - start
  const middle = text.charCodeAt(start + (length >> 1))
  const place = (text.charCodeAt(start) * 31 + middle * 7 + text.charCodeAt(end - 1) + length * 67) & (places - 1)
  const found = known[place]!
  if (found.length === length && isAt(found, text, start)) return found
  const name = text.slice(start, end)
  return length > longest ? name : (known[place] = unique(name))
}

function isAt(name: string, text: string, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== text.charCodeAt(start + i)) return false
  return true
}

/** The engine keeps one string of each property's name, and of each literal. */
function unique(name: string): string {
  return Object.keys({ [flatten(name)]: true })[0]!
}
