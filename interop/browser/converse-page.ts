import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const program = '/usr/bin/chromium'
export const hasChromium = existsSync(program)

const dist = fileURLToPath(new URL('../../node_modules/converse.js/dist', import.meta.url))
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}
const html = `<!doctype html><meta charset=utf-8><title>converse.js</title>
<link rel=stylesheet href=/dist/converse.min.css><script type=module src=/dist/converse.min.js></script><body class=converse-fullscreen></body>`

type Settings = Readonly<Record<string, string | boolean>>

/** Debian's Chromium, and a web server that has converse.js as it is published. */
export class ConverseBrowser {
  readonly #browser: Browser
  readonly #server: Server

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser
    this.#server = server
  }

  /** @param words more for Chromium's command line */
  static async start(...words: readonly string[]): Promise<ConverseBrowser> {
    const server = createServer((request, response) => {
      const path = normalize(new URL(request.url!, 'http://localhost').pathname)
      if (!path.startsWith(`${sep}dist${sep}`)) return response.setHeader('Content-Type', 'text/html').end(html)
      readFile(join(dist, path.slice(6))).then(
        (content) =>
          response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream').end(content),
        () => response.writeHead(404).end(),
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', ...words] })
    return new ConverseBrowser(browser, server)
  }

  /** A new profile, with nothing remembered, in which somebody logs in. */
  async login(jid: string, password: string, connection: Settings): Promise<Converse> {
    const context = await this.#browser.newContext({ ignoreHTTPSErrors: true })
    const { port } = this.#server.address() as AddressInfo
    const converse = new Converse(context, `http://localhost:${port}/`, {
      jid,
      password,
      ...connection,
    })
    await converse.open()
    return converse
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    this.#server.close()
  }
}

/** What the page lends to the test: converse.js's own API for plugins. */
interface Lent {
  readonly api: {
    readonly rooms: { open(jid: string, attributes: object, isForced: boolean): Promise<unknown> }
    readonly chats: { open(jid: string, attributes: object, isForced: boolean): Promise<unknown> }
    readonly connection: { connected(): boolean }
    readonly listen: { on(event: string, act: () => void): void }
    waitUntil(event: string): Promise<unknown>
  }
  readonly reconnections: number
  readonly converse: {
    initialize(settings: object): Promise<unknown>
    readonly plugins: { add(name: string, plugin: object): void }
  }
}

/** One user's page. */
export class Converse {
  page!: Page
  readonly #context: BrowserContext
  readonly #url: string
  readonly #settings: Settings

  constructor(context: BrowserContext, url: string, settings: Settings) {
    this.#context = context
    this.#url = url
    this.#settings = settings
  }

  /** Loads the page in a tab (in a new one instead of the old one) and logs in; what the old one has shown is not remembered. */
  async open(): Promise<void> {
    await this.page?.close()
    this.page = await this.#context.newPage()
    await this.page.goto(this.#url)
    await this.page.evaluate(async (settings) => {
      const lent = globalThis as unknown as Lent
      lent.converse.plugins.add('lender', {
        initialize(this: { _converse: { api: Lent['api'] } }) {
          // oxlint-disable-next-line no-underscore-dangle -- converse.js calls it so
          const { api } = this._converse
          Object.assign(globalThis, { api, reconnections: 0 })
          api.listen.on('reconnected', () => Object.assign(globalThis, { reconnections: 1 }))
        },
      })
      await lent.converse.initialize({
        authentication: 'login',
        auto_login: true,
        auto_reconnect: true,
        discover_connection_methods: false,
        enable_smacks: true,
        message_archiving: 'always',
        allow_non_roster_messaging: true,
        view_mode: 'fullscreen',
        i18n: 'en',
        assets_path: '/dist/',
        persistent_store: 'sessionStorage',
        whitelisted_plugins: ['lender'],
        ...settings,
      })
      await lent.api.waitUntil('chatBoxesFetched')
    }, this.#settings)
  }

  /** Resolves when it has noticed that the connection is gone. */
  async lost(): Promise<void> {
    await this.page.waitForFunction(() => !(globalThis as unknown as Lent).api.connection.connected(), undefined, {
      timeout: 60_000,
    })
  }

  /** Resolves when it is there again, with its session, for the first time after it was lost. */
  async reconnected(): Promise<void> {
    await this.page.waitForFunction(() => (globalThis as unknown as Lent).reconnections > 0, undefined, {
      timeout: 60_000,
    })
  }

  async enter(room: string, nick: string): Promise<void> {
    await this.page.evaluate(
      async ([jid, nickname]) =>
        void (await (globalThis as unknown as Lent).api.rooms.open(jid, { nick: nickname }, true)),
      [room, nick] as const,
    )
    await this.page.waitForSelector('converse-muc .chat-textarea', { timeout: 30_000 })
  }

  async talkTo(account: string): Promise<void> {
    await this.page.evaluate(
      async (jid) => void (await (globalThis as unknown as Lent).api.chats.open(jid, {}, true)),
      account,
    )
    await this.page.locator(`converse-chat[jid='${account}'] .chat-textarea`).waitFor({ timeout: 30_000 })
  }

  /** Types into the conversation that is open, and sends. */
  async say(text: string): Promise<void> {
    await this.page.locator('.chat-textarea:visible').fill(text)
    await this.page.locator('.chat-textarea:visible').press('Enter')
  }

  /** Resolves when the text can be read. */
  async reads(text: string): Promise<void> {
    await this.page.locator('.chat-msg__text:visible', { hasText: text }).first().waitFor({ timeout: 30_000 })
  }

  /** How often the text can be read. */
  count(text: string): Promise<number> {
    return this.page.locator('.chat-msg__text:visible', { hasText: text }).count()
  }
}
