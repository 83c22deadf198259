import { expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { ConverseBrowser, hasChromium } from './converse-page.ts'

const password = 'wherefore-art-thou'
const room = 'verona@rooms.localhost'

test.skipIf(!hasChromium).each(['WebSocket', 'BOSH'])(
  'converse.js in Chromium, over %s: a room, its history after a reload, and a kill',
  { timeout: 180_000 },
  async (transport) => {
    const server = await Jackdaw.start()
    const browser = await ConverseBrowser.start()
    try {
      for (const name of ['romeo', 'juliet']) await server.addUser(`${name}@localhost`, password)
      const authority = `localhost:${server.ports.https}`
      const connection: Readonly<Record<string, string>> =
        transport === 'BOSH'
          ? { bosh_service_url: `https://${authority}/bosh` }
          : { websocket_url: `wss://${authority}/xmpp` }
      const romeo = await browser.login('romeo@localhost', password, connection)
      await romeo.enter(room, 'Romeo')
      const juliet = await browser.login('juliet@localhost', password, connection)
      await juliet.enter(room, 'Juliet')
      await romeo.say('But soft, what light')
      await juliet.reads('But soft, what light')
      await juliet.say('Ay me')
      await romeo.reads('Ay me')

      await juliet.open()
      await juliet.enter(room, 'Juliet')
      await juliet.reads('But soft, what light')
      expect(await juliet.count('Ay me')).toBe(1)

      await romeo.talkTo('juliet@localhost')
      await juliet.talkTo('romeo@localhost')
      await juliet.say('What man art thou')
      await romeo.reads('What man art thou')

      // Who remembers nothing has it from the archive.
      await juliet.open()
      await juliet.talkTo('romeo@localhost')
      await juliet.reads('What man art thou')

      await server.kill()
      // Over BOSH it tries again until the server says that there is no such session.
      if (transport === 'WebSocket') for (const user of [romeo, juliet]) await user.lost()
      await server.start()
      for (const user of [romeo, juliet]) await user.reconnected()
      await romeo.say('I know not how to tell thee')
      await juliet.reads('I know not how to tell thee')
      expect(await juliet.count('I know not how to tell thee')).toBe(1)
      expect(server.troubles).toEqual([])
    } finally {
      await browser.stop()
      await server.stop()
    }
  },
)

test.skipIf(!hasChromium)(
  'XEP-0156 §2: converse.js in Chromium finds where to connect by the domain',
  { timeout: 120_000 },
  async () => {
    const server = await Jackdaw.start()
    // Who knows only the domain asks at the port of HTTPS.
    const browser = await ConverseBrowser.start(`--host-rules=MAP localhost:443 127.0.0.1:${server.ports.https}`)
    try {
      await server.addUser('romeo@localhost', password)
      const romeo = await browser.login('romeo@localhost', password, { discover_connection_methods: true })
      await romeo.enter(room, 'Romeo')
      await romeo.say('By any other name')
      await romeo.reads('By any other name')
      expect(server.troubles).toEqual([])
    } finally {
      await browser.stop()
      await server.stop()
    }
  },
)
