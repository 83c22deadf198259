import type { Element } from './element.ts'

/**
 * How one kind of element is written, in both directions: what a module asks for by value instead of by name and namespace.
 * `read` throws a StanzaError (as a rule bad-request) for an element that does not follow its schema.
 */
export interface Payload<T> {
  readonly name: string
  readonly ns: string
  read(element: Element): T
  write(value: T): Element
}
