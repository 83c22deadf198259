export const xmlNs = 'http://www.w3.org/XML/1998/namespace'
export const xmlnsNs = 'http://www.w3.org/2000/xmlns/'

/** One prefix bound to a namespace; what was bound outside follows. */
export interface Binding {
  readonly prefix: string
  readonly ns: string
  readonly outer: Binding | undefined
}

/** The namespace of a prefix, undefined if it is bound to none. */
export function lookup(prefix: string, innermost: Binding | undefined): string | undefined {
  if (prefix === 'xml') return xmlNs
  for (let binding = innermost; binding !== undefined; binding = binding.outer)
    if (binding.prefix === prefix) return binding.ns
  return undefined
}

/** Why a prefix ('' for the default namespace) cannot be bound to this namespace (Namespaces in XML 1.0 §2.2, §3, §5). */
export function misbound(prefix: string, ns: string): string | undefined {
  if (prefix === 'xml') return ns === xmlNs ? undefined : 'the prefix xml is bound already'
  if (prefix === 'xmlns') return 'the prefix xmlns cannot be declared'
  if (ns === xmlNs || ns === xmlnsNs) return `${ns} is bound already`
  if (ns === '' && prefix !== '') return `the prefix ${prefix} cannot be undeclared`
  return undefined
}
