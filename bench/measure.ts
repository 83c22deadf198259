import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'
import { Peer } from './peers/peer.ts'
import type { Result } from './results.ts'
import type { Sizes } from './sizes.ts'
import { stages } from './stages.ts'
import { Turns } from './turns.ts'
import type { Work } from './work/work.ts'

export interface Plan {
  /** Where everything is kept meanwhile. */
  readonly folder: string
  /** By name. */
  readonly servers: readonly string[]
  /** Names of works, or what precedes the dash in them; none: all. */
  readonly only: readonly string[]
  readonly sizes: Sizes
  readonly runs: number
}

/** Does all works, run after run, each by all servers in turns. */
export async function* measure(plan: Plan): AsyncGenerator<Result> {
  const certificate = await makeCertificate(plan.folder)
  for (let run = 1; run <= plan.runs; run++) {
    for (const [number, stage] of stages.entries()) {
      const works = stage.works.filter(({ name }) => isWanted(name, plan.only))
      if (works.length === 0 || (stage.isOnce && run > 1)) continue
      const peers: Peer[] = []
      const turns = new Turns()
      try {
        for (const kind of stage.servers) {
          if (!plan.servers.includes(kind.name)) continue
          const data = join(plan.folder, `${kind.name}-${stage.data ?? `${run}-${number}`}`)
          const { hasFeatures, extra } = stage
          const ports = { port: await freePort(), tlsPort: await freePort() }
          const stored = stage.stored(plan.sizes)
          peers.push(new Peer(kind, { data, ...ports, ...certificate, hasFeatures, extra, ...stored }, turns))
        }
        // In turns within each work: what is compared is measured within a second, however the machine's speed changes.
        for (const work of works)
          yield* await Promise.all(
            peers.map(async (peer) => {
              await turns.take()
              const figures = await outcome(work, peer, plan)
              turns.pass()
              return { run, server: peer.kind.name, work: work.name, ...figures }
            }),
          )
      } finally {
        for (const peer of peers) {
          await (stage.data === undefined ? peer.kill() : peer.stop())
          if (stage.data === undefined) rmSync(peer.data, { recursive: true, force: true })
        }
      }
    }
  }
}

/** A server that fails in one work begins the next one anew. */
async function outcome(work: Work, peer: Peer, { sizes }: Plan): Promise<Pick<Result, 'figures' | 'failure'>> {
  try {
    if (!peer.isRunning) await peer.start()
    return { figures: await work.run(peer, sizes) }
  } catch (error) {
    await peer.kill()
    return { figures: {}, failure: error instanceof Error ? error.message : String(error) }
  }
}

/** Below those that the system gives to clients, of whom there are thousands while a server starts again. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    server.close()
    if (isFree) return port
  }
}

/** None wanted: all are. */
export function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}-`))
}
