import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'
import { Peer } from './peers/peer.ts'
import type { Result } from './results.ts'
import type { Sizes } from './sizes.ts'
import { stages } from './stages.ts'

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

/** Does all works, run after run, in each stage one server after the other. */
export async function* measure({ folder, servers, only, sizes, runs }: Plan): AsyncGenerator<Result> {
  const certificate = await makeCertificate(folder)
  for (let run = 1; run <= runs; run++) {
    for (const [number, stage] of stages.entries()) {
      const works = stage.works.filter(({ name }) => isWanted(name, only))
      if (works.length === 0 || (stage.isOnce && run > 1)) continue
      for (const kind of stage.servers) {
        if (!servers.includes(kind.name)) continue
        const data = join(folder, `${kind.name}-${stage.data ?? `${run}-${number}`}`)
        const { hasFeatures } = stage
        const ports = { port: await freePort(), tlsPort: await freePort() }
        const peer = new Peer(kind, { data, ...ports, ...certificate, hasFeatures, ...stage.stored(sizes) })
        await peer.start()
        try {
          for (const work of works)
            yield { run, server: kind.name, work: work.name, figures: await work.run(peer, sizes) }
        } finally {
          await (stage.data === undefined ? peer.process.kill() : peer.process.stop())
          if (stage.data === undefined) rmSync(data, { recursive: true, force: true })
        }
      }
    }
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

function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}-`))
}
