import { isUtf8 } from 'node:buffer'
import { type BoshBody, type ParserLimits, readBody, writeBody, XmlError } from '@jackdaw/xmpp'
import { networkOf } from '../../address.ts'
import type { Clock, Random } from '../../world.ts'
import type { RequestFacts } from '../network.ts'
import type { Transport } from '../transport.ts'
import { BoshSession } from './session.ts'
import type { TerminalCondition } from './stream-elements.ts'

export interface BoshLimits extends ParserLimits {
  /** Sessions at once. */
  readonly connections: number
  /** The same of one IPv4 address or one IPv6 /64. */
  readonly connectionsPerAddress: number
}

interface BoshOptions {
  readonly accept: (transport: Transport) => void
  readonly clock: Clock
  readonly random: Random
  /** Calls `act` when all that has been done so far is kept. */
  readonly afterCommit: (act: () => void) => void
  /** As they are now. */
  readonly limits: () => BoshLimits
}

interface Known {
  readonly session: BoshSession
  readonly isSecure: boolean
}

/** Pages of any origin may connect: XMPP authenticates inside the stream, so a foreign page can use no cookie of ours. */
const headers = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, OPTIONS',
  'access-control-allow-headers': 'Content-Type',
  'access-control-max-age': '86400',
}

/** Streams over HTTP requests (XEP-0124, XEP-0206). */
export class Bosh {
  readonly #options: BoshOptions
  /** By sid. */
  readonly #sessions = new Map<string, Known>()
  /** How many sessions an address has. */
  readonly #groups = new Map<string, number>()

  constructor(options: BoshOptions) {
    this.#options = options
  }

  readonly serve = async (request: Request, { address }: RequestFacts): Promise<Response> => {
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers })
    if (request.method !== 'POST')
      return new Response('XMPP clients connect here by BOSH.\n', {
        status: 405,
        headers: { ...headers, allow: 'POST, OPTIONS' },
      })
    let bytes: Buffer
    try {
      bytes = Buffer.from(await request.arrayBuffer())
    } catch {
      // It was too long, or its client has left.
      return new Response('Content Too Large\n', { status: 413, headers: { ...headers, connection: 'close' } })
    }
    const body = read(bytes, this.#options.limits())
    if (!body) return terminated('bad-request')
    const isSecure = new URL(request.url).protocol === 'https:'
    if (body.sid === undefined) return this.#create(body, isSecure, address, request.signal)
    const known = this.#sessions.get(body.sid)
    // What began encrypted does not go on in clear.
    if (known?.isSecure !== isSecure) return terminated('item-not-found')
    return answered(known.session, body, request.signal)
  }

  #create(first: BoshBody, isSecure: boolean, address: string, signal: AbortSignal): Response | Promise<Response> {
    const { accept, clock, random, afterCommit, limits } = this.#options
    const { connections, connectionsPerAddress, stanzaBytes } = limits()
    const group = networkOf(address)
    const inGroup = this.#groups.get(group) ?? 0
    if (this.#sessions.size >= connections || inGroup >= connectionsPerAddress) return terminated('policy-violation')
    this.#groups.set(group, inGroup + 1)
    const sid = Buffer.from(random.bytes(18)).toString('base64url')
    const forget = (): void => {
      if (this.#sessions.delete(sid)) this.#leave(group)
    }
    const mostInput = 4 * stanzaBytes
    const session = new BoshSession({ sid, address, isSecure, first, clock, mostInput, afterCommit, forget })
    this.#sessions.set(sid, { session, isSecure })
    accept(session)
    return answered(session, first, signal)
  }

  #leave(group: string): void {
    const left = this.#groups.get(group)! - 1
    if (left > 0) this.#groups.set(group, left)
    else this.#groups.delete(group)
  }
}

/** Undefined: it is no body of BOSH. */
function read(bytes: Buffer, limits: ParserLimits): BoshBody | undefined {
  if (!isUtf8(bytes)) return undefined
  try {
    return readBody(bytes.toString(), limits)
  } catch (error) {
    if (error instanceof XmlError) return undefined
    throw error
  }
}

function answered(session: BoshSession, body: BoshBody, signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) => session.take(body, (text) => resolve(wrapped(text)), signal))
}

function terminated(condition: TerminalCondition): Response {
  return wrapped(writeBody({ type: 'terminate', condition }))
}

/** The client's wish for another content type (§7.1) is not granted: a page could have us show it as HTML. */
function wrapped(text: string): Response {
  const bytes = Buffer.from(text)
  return new Response(bytes, {
    headers: {
      ...headers,
      'content-type': 'text/xml; charset=utf-8',
      'content-length': String(bytes.length),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  })
}
