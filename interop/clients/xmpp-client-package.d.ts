/** What is used here of a package that has no types of its own. */
declare module '@xmpp/client' {
  export interface XmlElement {
    readonly name: string
    children: XmlElement[]
    readonly attrs: Readonly<Record<string, string | undefined>>
    is(name: string, ns?: string): boolean
    getChild(name: string, ns?: string): XmlElement | undefined
    getChildren(name: string, ns?: string): XmlElement[]
    getChildText(name: string, ns?: string): string | null
  }
  export interface Client {
    readonly jid: { toString(): string } | null
    readonly streamManagement: {
      /** Stanzas received. */
      inbound: number
      on(event: 'ack' | 'resumed', listener: (stanza: XmlElement) => void): void
    }
    readonly reconnect: { delay: number }
    readonly iqCaller: {
      request(iq: XmlElement): Promise<XmlElement>
      get(payload: XmlElement, to?: string): Promise<XmlElement | undefined>
      set(payload: XmlElement, to?: string): Promise<XmlElement | undefined>
    }
    readonly iqCallee: { set(ns: string, name: string, answer: (context: { element: XmlElement }) => object): void }
    on(event: 'stanza' | 'nonza' | 'send', listener: (element: XmlElement) => void): void
    prependListener(event: 'element', listener: (element: XmlElement) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    on(event: 'disconnect', listener: () => void): void
    start(): Promise<unknown>
    stop(): Promise<unknown>
    send(element: XmlElement): Promise<void>
  }
  export function client(options: {
    service: string
    domain: string
    username: string
    password: string
    resource: string | undefined
  }): Client
  export function xml(name: string, attributes: object, ...children: (XmlElement | string | undefined)[]): XmlElement
}
