import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The way from one client to a port of the server: whatever library the client is made with, its connections can be cut here. */
export class Gate {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(to: number) {
    this.#server = createServer({ noDelay: true }, (client) => {
      const server = connect({ port: to, host: '127.0.0.1', noDelay: true })
      for (const [from, into] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => {
          this.#sockets.delete(from)
          into.destroy()
        })
        from.pipe(into)
      }
    })
  }

  static async open(to: number): Promise<Gate> {
    const gate = new Gate(to)
    await once(gate.#server.listen(0, '127.0.0.1'), 'listening')
    return gate
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Breaks what goes through at this moment, as a network does: nothing is said in farewell. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }
}
