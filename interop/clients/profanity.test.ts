import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { Gate } from './gate.ts'
import { hasSlixmpp, Peer, portFor } from './peer.ts'
import { hasProgram, Terminal } from './terminal.ts'

const canRun = hasProgram('profanity') && hasProgram('tmux') && hasSlixmpp
const password = 'wherefore-art-thou'

test.skipIf(!canRun)(
  'Profanity (Debian: profanity, tmux, python3-slixmpp): logs in, befriends, chats, survives kill -9 of the server',
  async ({ onTestFinished }) => {
    const server = await Jackdaw.start()
    onTestFinished(() => server.stop())
    await Promise.all(['romeo', 'juliet'].map((name) => server.addUser(`${name}@localhost`, password)))
    const juliet = new Peer('slixmpp', {
      jid: 'juliet@localhost/balcony',
      password,
      transport: 'starttls',
      port: portFor(server, 'starttls'),
      certificate: server.certificate,
    })
    onTestFinished(() => juliet.end())
    juliet.do({ do: 'connect' })
    await juliet.hears({ is: 'online' })
    await juliet.ask('roster')
    juliet.do({ do: 'presence', status: 'here' })

    // Profanity 0.13 forgets its session when it is refused once on its way back.
    const gate = await Gate.open(server.ports.xmpp, { isPatient: true })
    onTestFinished(() => gate.close())
    const home = await mkdtemp(join(tmpdir(), 'profanity-'))
    const romeo = new Terminal(home, 'profanity')
    onTestFinished(async () => {
      romeo.close()
      await rm(home, { recursive: true, force: true })
    })
    await romeo.shows("Type '/help'")
    await romeo.types('/reconnect 1')
    await romeo.types(`/connect romeo@localhost server 127.0.0.1 port ${gate.port} tls force`)
    await romeo.shows('Enter password:')
    await romeo.types(password)
    await romeo.shows('TLS certificate verification failed')
    await romeo.types('/tls always')
    await romeo.shows('logged in successfully')

    await romeo.types('/sub request juliet@localhost')
    await juliet.hears({ is: 'presence', type: 'subscribe', from: 'romeo@localhost' })
    for (const type of ['subscribed', 'subscribe']) juliet.do({ do: 'presence', to: 'romeo@localhost', type })
    await romeo.shows('Received authorization request from juliet@localhost')
    await romeo.shows('juliet@localhost (balcony) is online, "here"')
    await romeo.types('/sub allow juliet@localhost')
    await juliet.hears({ is: 'push', jid: 'romeo@localhost', subscription: 'both' })

    await romeo.types('/msg juliet@localhost good morrow')
    await juliet.hears({ is: 'message', body: 'good morrow' })
    juliet.do({ do: 'message', to: 'romeo@localhost', body: 'sweet Romeo' })
    await romeo.shows('sweet Romeo')

    const before = juliet.heard.length
    await server.kill()
    await juliet.hears({ is: 'offline' })
    await romeo.shows('[offline]')
    await server.start()
    await juliet.hears({ is: 'resumed' })
    juliet.do({ do: 'message', to: 'romeo@localhost', body: 'what o’clock tomorrow?' })
    await romeo.shows('what o’clock tomorrow?')
    await romeo.types('by the hour of nine')
    await juliet.hears({ is: 'message', body: 'by the hour of nine' })
    expect(juliet.heard.slice(before).filter((event) => event.is === 'presence' && event.type !== '')).toEqual([])
    expect((await romeo.screen()).split('sweet Romeo')).toHaveLength(2)

    await romeo.types('/quit')
    await juliet.hears({ is: 'presence', type: 'unavailable' })
    expect(server.troubles).toEqual([])
  },
)
