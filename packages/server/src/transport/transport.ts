import type { ChannelBindings } from '@jackdaw/xmpp'

/** What TLS tells of a connection. */
export interface TlsFacts {
  /** 'TLSv1.3' */
  readonly protocol: string
  readonly bindings: ChannelBindings
  /** Identities that a verified client certificate names (xmppAddr, then dNSName/commonName); empty without one. */
  readonly identities: readonly string[]
}

/** The stream's side of a connection. */
export interface TransportEvents {
  /** Bytes of a TCP connection, which are there only until this returns; or the text of one WebSocket message. */
  data(chunk: Uint8Array | string): void
  /** What was written has left, after `write` returned false. */
  drain(): void
  /** The connection is gone; called once, and nothing follows. `error` is set when it did not end in an orderly way. */
  gone(error?: Error): void
}

/** Bytes in, bytes out: a TCP connection, a TLS connection, a WebSocket, a BOSH session; or a loopback in a simulation. */
export interface Transport {
  readonly framing: 'tcp' | 'websocket' | 'bosh'
  /** The other side's address, for limits and logs: '192.0.2.1'. */
  readonly address: string
  /** Undefined while the connection is not encrypted. */
  readonly tls: TlsFacts | undefined
  /** Whether `startTls` is possible here. */
  readonly canStartTls: boolean
  /** Begins to hand over what arrives; called once. */
  open(events: TransportEvents): void
  /** Hands text to the connection in one write. False: hold back until `drain`. A WebSocket sends it as one message. */
  write(text: string): boolean
  /** Bytes handed over that have not left. */
  readonly pendingBytes: number
  pause(): void
  resume(): void
  /** RFC 6120 §5.4.3: the TLS handshake, with this side as the server, after what was written has left. Rejects when it fails. */
  startTls(domain: string): Promise<void>
  /** Ends the connection in an orderly way, after what was written has left; by force after a few seconds. */
  close(): void
  /** Ends it at once. */
  destroy(): void
}
