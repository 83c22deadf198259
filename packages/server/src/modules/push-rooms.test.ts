import { turn } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { modules } from './modules.ts'
import { admin, configured, coven, quiet, room, says } from './muc/fixture.ts'
import { ask, preconditions } from './pubsub/words.fixture.ts'
import { enable, gateway } from './push/push.fixture.ts'

const notify = (level: string) =>
  `<extensions><notify xmlns='urn:xmpp:notification-settings:1'><${level}/></notify></extensions>`
const privately = preconditions({ access_model: 'whitelist', persist_items: 'true', max_items: 'max' })

/** A room with the first two witches in it; the third, whose push service is enabled, has left it. */
async function away(isPrivate: boolean, level?: string, isBookmarked = !isPrivate) {
  const service = gateway()
  const play = await coven(
    { persistentroom: '1' },
    {
      modules: [...modules, service.module],
      config: { hosts: { 'home.test': { modules: { push: { fields: ['last-message-sender'] } } } } },
    },
  )
  for (const name of isPrivate ? ['wiccarocks', 'hag66'] : [])
    await admin(play.desktop, `<item affiliation='member' jid='${name}@home.test'/>`)
  if (isPrivate) await configured(play.desktop, { membersonly: '1' })
  await play.pda.asks(enable())
  if (isBookmarked)
    await ask(
      play.pda,
      'set',
      undefined,
      `<publish node='urn:xmpp:bookmarks:1'><item id='${room}'><conference xmlns='urn:xmpp:bookmarks:1'><nick>hag</nick>${level ? notify(level) : ''}</conference></item></publish>${privately}`,
    )
  play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  await play.pda.sync()
  await quiet(play)
  return {
    desktop: play.desktop,
    clock: play.clock,
    play,
    pda: play.pda,
    service,
    /** Says it; then the service has been told so often, and is not told more. */
    async after(count: number, text: string, content = ''): Promise<void> {
      play.desktop.says(`<message to='${room}' type='groupchat'><body>${text}</body>${content}</message>`)
      await play.desktop.sync()
      for (let i = 0; i < 4 || service.told.length < count; i++) {
        await play.clock.advance(1000)
        await turn()
      }
      expect(service.told).toHaveLength(count)
    },
  }
}

test('XEP-0492 §3: a member of a private room is notified of everything while it is away', async () => {
  const s = await away(true)
  await s.after(1, 'one')
  expect(s.service.told).toEqual([{ from: 'home.test', node: 'n1', lastMessageSender: `${room}/firstwitch` }])
  await s.pda.close()
  await s.after(2, 'two')
})

test('XEP-0492 §3: of a public one that it has bookmarked, when it is mentioned', async () => {
  const s = await away(false)
  await s.after(0, 'one')
  await s.after(0, 'the hagiography')
  await s.after(1, 'where is Hag?')
  await s.after(2, 'so?', `<reply xmlns='urn:xmpp:reply:0' id='1' to='${room}/hag'/>`)
  const reference = (uri: string) => `<reference xmlns='urn:xmpp:reference:0' type='mention' uri='${uri}'/>`
  await s.after(3, 'she', reference('xmpp:hag66@home.test'))
  await s.after(3, 'he', reference('xmpp:%zz'))
  await s.after(3, 'hag', "<replace xmlns='urn:xmpp:message-correct:0' id='m'/>")
})

test.each([
  [true, 'never', [0, 0]],
  [true, 'on-mention', [0, 1]],
  [false, 'always', [1, 2]],
  [false, 'never', [0, 0]],
] as const)('XEP-0492 §2: private: %s, the setting is %s', async (isPrivate, level, [said, mentioned]) => {
  const s = await away(isPrivate, level, true)
  await s.after(said, 'one')
  await s.after(mentioned, 'hag!')
})

test('who may not read what is said there is not notified', async () => {
  const s = await away(false, 'always')
  await admin(s.desktop, "<item affiliation='outcast' jid='hag66@home.test'/>")
  await s.after(0, 'one')
  const t = await away(false, 'always')
  await configured(t.desktop, { membersonly: '1' })
  await t.after(0, 'one')
})

test('an occupant who acknowledges is not notified, one whose connection is broken is', async () => {
  const s = await away(true)
  s.pda.says(`<presence to='${room}/thirdwitch'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await s.pda.awaits(`<message from='${room}' type='groupchat'><subject/></message>`)
  await s.pda.manage()
  await s.after(0, 'one')
  await s.pda.cut()
  await s.after(1, 'two')
})

test('what was said just before kill -9 is told after it', async () => {
  const s = await away(true)
  await s.pda.close()
  s.desktop.says(`<message to='${room}' type='groupchat'><body>last words</body></message>`)
  await s.desktop.awaits('<message><body>last words</body></message>')
  s.play.crash()
  expect(s.service.told).toEqual([])
  await s.play.start()
  while (s.service.told.length === 0) {
    await s.clock.advance(1000)
    await turn()
  }
  expect(s.service.told).toMatchObject([{ lastMessageSender: `${room}/firstwitch` }])
  // Not again, once the room is quiet.
  for (let i = 0; i < 40; i++) await s.clock.advance(1000)
  s.play.crash()
  await s.play.start()
  for (let i = 0; i < 5; i++) await s.clock.advance(1000)
  expect(s.service.told).toHaveLength(1)
})

test('what is said meanwhile is told together', async () => {
  const s = await away(true)
  for (let i = 0; i < 80; i++) says(s.desktop, `${i}`)
  await s.desktop.awaits('<message><body>79</body></message>')
  await s.desktop.sync()
  while (s.service.told.length === 0) await s.clock.advance(1000)
  await s.clock.advance(5000)
  expect(s.service.told.length).toBeLessThan(5)
})
