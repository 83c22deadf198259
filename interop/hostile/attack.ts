import type { HostileServer } from './hostile-server.ts'
import { Peer, type Stage, type Way } from './peer.ts'

/** What is sent: text, bytes, or whatever a function does. In text, `{jid}` and `{account}` are the attacker's own. */
export type Move = string | Uint8Array | ((peer: Peer) => void | Promise<void>)

/** One entry of the corpus. */
export interface Attack {
  /** Cites the section that says what must happen. */
  readonly name: string
  readonly stage: Stage
  readonly way: Way
  /** 'tight': a server with the small limits of `tightLimits`; all else meets the defaults. */
  readonly server: 'default' | 'tight'
  readonly moves: readonly Move[]
  /** All that the server answers, to the last word, as `Ear` says it. */
  readonly answer: readonly string[]
  /** The server ends it; if not, the attacker asks for a sign of life, then closes the stream. */
  readonly isEnded: boolean
}

type Row = readonly [name: string, moves: Move | readonly Move[], answer: string | readonly string[], way?: Way]

const streamWays: readonly Way[] = ['tcp', 'starttls', 'tls']

/**
 * Entries that begin at the same stage. An answer whose last word is an error of the stream, or 'gone', ends it; what follows from that, and the
 * header that comes before an error in the first one (RFC 6120 §4.9.1.2), is added.
 */
export function attacks(
  stage: Stage,
  rows: readonly Row[],
  { ways = streamWays, server = 'default' }: { ways?: readonly Way[]; server?: Attack['server'] } = {},
): Attack[] {
  return rows.map(([name, moves, answer, ownWay], at) => {
    // STARTTLS needs a header first.
    const chosen = ownWay ?? ways[at % ways.length]!
    const way = stage === 'raw' && chosen === 'starttls' ? 'tcp' : chosen
    const said = typeof answer === 'string' ? (answer === '' ? [] : [answer]) : [...answer]
    const isRefused = said.at(-1)?.startsWith('error ') === true
    const isEnded = isRefused || said.at(-1) === 'gone'
    const isWebSocket = way.endsWith('websocket')
    if (isRefused && stage === 'raw' && said.length === 1) said.unshift('header')
    if (!isEnded && stage === 'bound') said.push('iq result #alive')
    if (isRefused || !isEnded) said.push('closed', ...(isWebSocket ? ['frame close 1000'] : []), 'gone')
    return {
      name: `${name} (${way})`,
      stage,
      way,
      server,
      moves: Array.isArray(moves) ? moves : [moves as Move],
      answer: said,
      isEnded,
    }
  })
}

/** Carries out an attack; resolves with all that was heard. */
export async function carryOut(attack: Attack, server: HostileServer, account: string): Promise<readonly string[]> {
  const peer = await Peer.connect(attack.way, server.ports, account)
  try {
    await peer.reach(attack.stage)
    for (const move of attack.moves) {
      if (typeof move === 'function') await move(peer)
      else if (typeof move === 'string')
        peer.write(move.replaceAll('{jid}', peer.jid).replaceAll('{account}', `${account}@localhost`))
      else peer.write(move)
    }
    if (!attack.isEnded) {
      if (attack.stage === 'bound')
        peer.write(`<iq type='get' id='alive' xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>`)
      peer.close()
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)))
    await Promise.race([peer.gone(), late])
    clearTimeout(timer)
    return [...peer.heard]
  } finally {
    peer.vanish()
  }
}

/** How long the end of a connection may take before the answer counts as complete without it, milliseconds. */
const patience = 20_000
