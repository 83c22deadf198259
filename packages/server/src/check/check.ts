import { Resolver } from 'node:dns/promises'
import type { Status } from '../admin/commands.ts'
import { reachServer } from '../admin/control-client.ts'
import { describeFailure } from '../admin/failure.ts'
import { readConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { modules } from '../modules/modules.ts'
import { systemClock } from '../world.ts'
import { bearer } from './bearer.ts'
import { calls } from './calls.ts'
import { certificates } from './certificates.ts'
import { clock } from './clock.ts'
import { components } from './components.ts'
import { disk } from './disk.ts'
import { dns } from './dns.ts'
import type { Finding, Probe, Scene } from './finding.ts'
import { openings } from './openings.ts'
import { outside } from './outside.ts'
import { permissions } from './permissions.ts'
import { ports } from './ports.ts'
import { published } from './published.ts'
import { push } from './push.ts'
import { resources } from './resources.ts'
import { secrets } from './secrets.ts'
import { sources } from './sources.ts'
import { stored } from './stored.ts'
import { uploads } from './uploads.ts'
import { webhooks } from './webhooks.ts'

const probes: Readonly<Record<string, Probe>> = {
  certificates,
  ports,
  components,
  sources,
  webhooks,
  dns,
  published,
  clock,
  resources,
  disk,
  uploads,
  permissions,
  secrets,
  stored,
  bearer,
  push,
  calls,
  openings,
}

/** Looks at everything, prints a line for each finding; gives the exit code: 1 when something is wrong that stops the server or its clients. */
export async function check(file: string | undefined, output: NodeJS.WritableStream): Promise<0 | 1> {
  let failures = 0
  for await (const finding of look(file)) {
    if (finding.level === 'fail') failures += 1
    output.write(`${finding.level.padEnd(4)}  ${finding.title}: ${finding.sentence}\n`)
  }
  return failures > 0 ? 1 : 0
}

async function* look(file: string | undefined): AsyncGenerator<Finding> {
  const title = 'configuration'
  let config: Config
  try {
    config = readConfig(file, modules)
  } catch (error) {
    yield { title, level: 'fail', sentence: describeFailure(error) }
    return
  }
  yield {
    title,
    level: 'ok',
    sentence: file === undefined ? 'There is no file, so everything has its default.' : `${file} is sound.`,
  }
  let status: Status | undefined
  try {
    status = await statusOf(config.data)
  } catch (error) {
    yield { title: 'server', level: 'fail', sentence: describeFailure(error) }
  }
  const resolver = new Resolver({ timeout: 3000, tries: 2 })
  yield* probe({
    config,
    file,
    modules,
    clock: systemClock,
    running: status?.listening,
    pid: status?.pid,
    outside: outside(),
    resolveSrv: (name) => resolver.resolveSrv(name),
  })
}

async function* probe(scene: Scene): AsyncGenerator<Finding> {
  for (const [title, find] of Object.entries(probes)) {
    try {
      yield* await find(scene)
    } catch (error) {
      yield { title, level: 'fail', sentence: describeFailure(error) }
    }
  }
}

async function statusOf(data: string): Promise<Status | undefined> {
  const control = await reachServer(data)
  if (control === undefined) return undefined
  try {
    let status: Status | undefined
    for await (const told of control.ask({ command: 'status' })) status = told as Status
    return status
  } finally {
    control.close()
  }
}
