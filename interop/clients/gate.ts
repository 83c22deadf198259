import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The way from one client to a port of the server: whatever library the client is made with, its connections can be cut here. */
export class Gate {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(to: number, isPatient: boolean) {
    this.#server = createServer({ noDelay: true }, (client) => {
      this.#hold(client)
      const reach = (): void => {
        const server = connect({ port: to, host: '127.0.0.1', noDelay: true })
        const retry = (): void => void setTimeout(() => client.destroyed || reach(), 100)
        const refuse = (): void => void client.destroy()
        server.once('error', isPatient ? retry : refuse)
        server.once('connect', () => {
          this.#hold(server)
          server.on('close', () => client.destroy())
          client.on('close', () => server.destroy())
          client.pipe(server).pipe(client)
        })
      }
      reach()
    })
  }

  /** Patient: while the server is away, a client that connects waits for it instead of being refused. */
  static async open(to: number, { isPatient = false } = {}): Promise<Gate> {
    const gate = new Gate(to, isPatient)
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

  #hold(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
