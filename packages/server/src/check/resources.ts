import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { Finding, Scene } from './finding.ts'

const MiB = 1024 ** 2
/** Files that are no connections: journal, database, listeners, uploads. */
const OTHERS = 500
/** What a process takes with nobody there, and what one session over TLS does (docs/benchmarks.md), with some to spare. Bytes. */
const BASE = 192 * MiB
const SESSION = 64 * 1024
/** Fewer are no server. */
const FEW = 500

/** What the system lets a process have. */
export interface Allowance {
  /** Open files; undefined where that is not known. */
  readonly files: number | undefined
  /** Bytes. */
  readonly memory: number
}

/** Whether the system gives what the limits of the configuration let clients take. */
export async function resources({ config, pid }: Scene, allowance = systemAllowance(pid)): Promise<Finding[]> {
  const { connections } = config.limits
  const { files, memory } = allowance
  const findings: Finding[] = []
  if (files !== undefined) {
    const title = 'open files'
    const most = Math.max(0, files - OTHERS)
    findings.push(
      most < connections
        ? {
            title,
            level: 'warn',
            sentence: `The system allows ${files}, enough for ${most} connections, and limits.connections is ${connections}: raise LimitNOFILE of the service (ulimit -n in a shell), or set limits.connections to ${Math.max(1, most)}.`,
          }
        : { title, level: 'ok', sentence: `The system allows ${files}, enough for ${connections} connections.` },
    )
  }
  const sessions = Math.max(0, Math.floor((memory - BASE) / SESSION))
  const much = `${Math.floor(memory / MiB)} MiB are there`
  findings.push(
    sessions < FEW
      ? {
          title: 'memory',
          level: 'warn',
          sentence: `Only ${much}, enough for about ${sessions} sessions: give this machine or service more, and set limits.connections to what it can bear.`,
        }
      : { title: 'memory', level: 'ok', sentence: `${much}, enough for about ${sessions} sessions.` },
  )
  return findings
}

/** Of the running server, or of this process, which is started alike. */
function systemAllowance(pid: number | undefined): Allowance {
  const constrained = process.constrainedMemory()
  return {
    files: openFiles(pid ?? process.pid),
    // Without a limit it is a number beyond all machines.
    memory: constrained > 0 ? Math.min(constrained, totalmem()) : totalmem(),
  }
}

/** Node raises the soft limit to the hard one at its start. */
export function openFiles(pid: number): number | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/limits`, 'utf8')
  } catch {
    return undefined
  }
  const hard = /^Max open files +\S+ +(\S+)/m.exec(text)?.[1]
  return hard === undefined || hard === 'unlimited' ? undefined : Number(hard)
}
