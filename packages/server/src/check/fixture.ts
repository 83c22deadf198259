import { type Config, configFrom, type ConfigInput } from '../config.ts'
import type { Module } from '../module.ts'
import { modules as everyModule } from '../modules/modules.ts'
import type { Finding, Scene } from './finding.ts'
import type { Outside } from './outside.ts'

export const now = Date.UTC(2027, 5, 1)

const unreachable = () => Promise.reject(new Error('there is no way there'))
/** Nobody is there. */
export const nowhere: Outside = { lookup: unreachable, ask: unreachable, reach: unreachable, stun: unreachable }

export function sceneOf(config: Config, modules: readonly Module[], more: Partial<Scene> = {}): Scene {
  return {
    config,
    modules,
    clock: { now: () => now },
    running: undefined,
    outside: nowhere,
    resolveSrv: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })),
    ...more,
  }
}

/** Of a server with all modules and its data in that folder. */
export function scene(data: string, input: ConfigInput = {}, more: Partial<Scene> = {}): Scene {
  return sceneOf(configFrom({ data, ...input }, everyModule), everyModule, more)
}

export const brief = (findings: readonly Finding[]) => findings.map(({ level, sentence }) => [level, sentence])
