import type * as z from 'zod'
import type { Module } from '../module.ts'
import { ModuleHost, type Surroundings } from './module-host.ts'

interface Running {
  readonly host: ModuleHost<z.ZodObject, any>
  readonly api: unknown
}

/** The modules that run on one virtual host. They can be loaded and unloaded while it serves. */
export class Modules {
  readonly #around: Omit<Surroundings, 'api'>
  readonly #running = new Map<Module, Running>()

  constructor(around: Omit<Surroundings, 'api'>) {
    this.#around = around
  }

  has(module: Module): boolean {
    return this.#running.has(module)
  }

  /** What a module lends to others; undefined when it does not run. */
  api<Api>(module: Module<any, any, Api>): Api | undefined {
    return this.#running.get(module)?.api as Api | undefined
  }

  /** In the order of their start. */
  get running(): Iterable<Module> {
    return this.#running.keys()
  }

  /**
   * Starts it, and before it those that it needs. When it fails to start, nothing of it is left.
   * @param configs the fields of modules by name, complete; a module that is not named has its defaults
   */
  async load(module: Module, configs: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (this.#running.has(module)) return
    for (const needed of module.needs ?? []) await this.load(needed, configs)
    const config = configs[module.name]
    const values = typeof config === 'object' ? config : (module.config?.parse({}) ?? {})
    const host = new ModuleHost(module, values, { ...this.#around, api: (needed) => this.#running.get(needed)?.api })
    try {
      this.#running.set(module, { host, api: await module.start(host) })
    } catch (error) {
      await host.stop()
      throw error
    }
  }

  /** Stops it, and before it those that need it. */
  async unload(module: Module): Promise<void> {
    const running = this.#running.get(module)
    if (!running) return
    for (const other of [...this.#running.keys()].reverse()) if (other.needs?.includes(module)) await this.unload(other)
    this.#running.delete(module)
    await running.host.stop()
  }

  async stop(): Promise<void> {
    for (const module of [...this.#running.keys()].reverse()) await this.unload(module)
  }
}
