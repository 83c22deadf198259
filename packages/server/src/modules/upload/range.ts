/** Bytes of a file; `end` is left out. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * RFC 9110 §14.2: the part that is asked for; undefined for the whole, as for what is not understood and for several parts at once.
 * 'unsatisfiable' when the file has no such part.
 */
export function readRange(field: string | null, size: number): Range | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes= *(\d{0,15})-(\d{0,15}) *$/i.exec(field ?? '') ?? []
  if (first === '') {
    if (last === '') return undefined
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}
