import { expect, onTestFinished, test } from 'vitest'
import { scenario } from './scenario.ts'

test('XEP-0198 §5: what is answered as soon as the session is resumed is answered once', async () => {
  const stage = await scenario({ accounts: { romeo: [], juliet: ['balcony'] }, resume: true })
  onTestFinished(() => stage.stop())
  const balcony = stage.clients['balcony']!
  const phone = stage.client('romeo', 'phone', {
    onStanza: (stanza) => {
      if (stanza.name === 'iq' && stanza.type === 'get') phone.send(stanza.reply('result'))
    },
  })
  await phone.connect()
  await phone.cut()
  balcony.says(`<iq type='get' id='q' to='${phone.jid}'><query xmlns='urn:x'/></iq>`)
  await balcony.sync()
  expect(await phone.connect()).toBe('resumed')
  await phone.settled()
  await phone.sync()
  await balcony.sync()
  expect(balcony.inbox.filter(({ id }) => id === 'q').map(({ type }) => type)).toEqual(['result'])
})
