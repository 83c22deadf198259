import type { MapStore, Storage } from './storage/storage.ts'
import type { Random } from './world.ts'

type TicketKeys = { readonly day: number; readonly keys: string }

/** What the server makes up for itself, and keeps in its storage. */
export class Secrets {
  readonly #random: Random
  readonly #kept: MapStore<string>
  readonly #tickets: MapStore<TicketKeys>

  constructor(storage: Storage, random: Random) {
    this.#random = random
    this.#kept = storage.map<string>('server/secrets')
    this.#tickets = storage.map<TicketKeys>('server/tickets')
  }

  /** 32 bytes, the same from start to start. */
  async get(name: string): Promise<Uint8Array> {
    const made = this.#made(32)
    const kept = (await this.#kept.get('server', name)) ?? (await this.#kept.edit('server', name, () => made))
    return Buffer.from(kept!, 'base64')
  }

  /** Kept for their day, so that clients resume their TLS sessions after a restart too. */
  async ticketKeys(day: number): Promise<Buffer> {
    const made = { day, keys: this.#made(48) }
    const kept = await this.#tickets.edit('server', 'tls', (old) => (old?.day === day ? old : made))
    return Buffer.from(kept!.keys, 'base64')
  }

  #made(size: number): string {
    return Buffer.from(this.#random.bytes(size)).toString('base64')
  }
}
