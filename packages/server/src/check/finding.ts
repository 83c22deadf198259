import type { Config } from '../config.ts'
import type { Listener } from '../admin/commands.ts'
import type { Module } from '../module.ts'
import type { Clock } from '../world.ts'
import type { Outside } from './outside.ts'

export const levels = ['ok', 'warn', 'fail'] as const

/** What a probe found. */
export interface Finding {
  /** What was looked at: 'port 5222'. */
  readonly title: string
  readonly level: (typeof levels)[number]
  /** What is so; where it is not well, what is wrong and how to mend it. */
  readonly sentence: string
}

export interface SrvRecord {
  readonly name: string
  readonly port: number
}

/** What the probes look at. */
export interface Scene {
  readonly config: Config
  /** Where it stands, if anywhere. */
  readonly file?: string | undefined
  readonly modules: readonly Module[]
  readonly clock: Pick<Clock, 'now'>
  /** Where the server that runs on the data folder listens; undefined when none runs. */
  readonly running: readonly Listener[] | undefined
  /** Its process, where one runs. */
  readonly pid?: number | undefined
  readonly outside: Outside
  /** DNS; rejects with the codes of node:dns. */
  readonly resolveSrv: (name: string) => Promise<readonly SrvRecord[]>
}

export type Probe = (scene: Scene) => Promise<readonly Finding[]>
