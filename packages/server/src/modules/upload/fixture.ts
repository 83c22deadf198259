import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { globSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Client, ManualClock, tcp } from '@jackdaw/testkit'
import { Jid, type Stanza, UploadRequest, UploadSlot } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { type ConfigInput, createServer, type Server } from '../../index.ts'
import { defineModule } from '../../module.ts'
import { modules } from '../modules.ts'
import type { FileRecord, Ledger } from './ledger.ts'
import { upload } from './upload.ts'

export const service = Jid.parse('upload.home.test')
const free = { port: 0, address: '127.0.0.1' }

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Stage = Awaited<ReturnType<typeof stage>>

/** A server on real sockets, its data in a folder, with the accounts romeo and juliet and time that stands still. */
export async function stage(fields: Record<string, unknown> = {}, more: Partial<ConfigInput> = {}) {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-upload-'))
  const clock = new ManualClock(Date.now())
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
  const config = (): ConfigInput => ({
    data,
    hosts: {
      'home.test': { plaintext: true, modules: { upload: { url: 'https://files.home.test', ...fields } } },
    } as ConfigInput['hosts'],
    listen: { xmpp: free, xmpps: false, http: free, https: false },
    keepalive: { idle: '20 d' },
    ...more,
  })
  let server!: Server
  let ledger!: Ledger
  const probe = defineModule({
    name: 'probe',
    needs: [upload],
    start(host) {
      if (host.domain.domain === 'home.test') ({ ledger } = host.use(upload)!)
    },
  })
  let ports = new Map<string, number>()
  const start = async (): Promise<void> => {
    server = await createServer(config(), { clock, log, modules: [...modules, probe] })
    ports = new Map((await server.start()).map(({ name, port }) => [name, port]))
  }
  await start()
  for (const name of ['romeo', 'juliet'])
    await server.hosts.get('home.test')!.accounts.create(Jid.parse(`${name}@home.test`), 'pencil')

  const login = async (name = 'romeo', domain = 'home.test'): Promise<Client> => {
    const client = new Client({ jid: `${name}@${domain}/r`, password: 'pencil', connect: tcp(ports.get('xmpp')!) })
    await client.connect()
    return client
  }
  /** Where a URL of the configuration's origin is served. */
  const begin = (method: string, url: string, headers: Record<string, string | number> = {}): ClientRequest => {
    const { pathname, search } = new URL(url)
    return httpRequest({
      port: ports.get('http')!,
      host: '127.0.0.1',
      path: pathname + search,
      method,
      headers,
      agent: false,
    })
  }
  const files = (): string[] => globSync(join(data, 'files/*/upload/{incoming,kept/*}/*'))

  return {
    data,
    clock,
    lines,
    login,
    begin,
    files,
    get server() {
      return server
    },
    port: (name: string) => ports.get(name)!,
    /** How many bytes of files are there. */
    bytes: () => files().reduce((sum, path) => sum + statSync(path).size, 0),
    async slot(client: Client, about: Partial<UploadRequest> = {}): Promise<UploadSlot> {
      const request = UploadRequest.write({ filename: 'a.txt', size: 5, purpose: 'message', ...about })
      const answer: Stanza = await client.ask('get', request, service)
      return UploadSlot.read(answer.first()!)
    },
    async http(method: string, url: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
      const request = begin(method, url, headers)
      request.end(body)
      return answerTo(request)
    },
    /** What is known of an account's files: the sum as it is kept, and the records from which it must follow. */
    async books(account = 'romeo@home.test') {
      const ids = [...(await ledger.owned(account)).keys()]
      const records: FileRecord[] = []
      for (const id of ids) records.push((await ledger.file(id))!)
      return {
        usage: await ledger.usage(account),
        all: await ledger.usage(),
        ids,
        bytes: records.reduce((sum, { size }) => sum + size, 0),
        slots: records.filter(({ isUploaded }) => !isUploaded).length,
        doomed: [...(await ledger.doomed())],
      }
    },
    /** Stops it, lets `meanwhile` happen to its files, and starts it again. */
    async restart(meanwhile?: () => Promise<void>): Promise<void> {
      await server.stop()
      await meanwhile?.()
      await start()
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}

export async function answerTo(request: ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode!, headers: response.headers, body: await text(response) }
}

export const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
