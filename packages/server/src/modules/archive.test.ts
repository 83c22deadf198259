import { type Actor, type Scenario, scenario, turn } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { recordsOf } from '../journal/journal.ts'
import { defineModule } from '../module.ts'
import type { LogStore } from '../storage/storage.ts'
import { archive } from './archive.ts'
import { carbons } from './carbons.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'

async function play(): Promise<{ stage: Scenario; phone: Actor; laptop: Actor; balcony: Actor }> {
  const stage = await scenario({
    accounts: { romeo: ['phone', 'laptop'], juliet: ['balcony'] },
    modules: [mam, carbons, offline, presence],
    resume: true,
  })
  onTestFinished(() => stage.stop())
  const { phone, laptop, balcony } = stage.clients
  // The first entry of all also keeps the secret of the ids.
  phone!.says("<message to='romeo@home.test/laptop' type='chat'><body>test</body></message>")
  await laptop!.awaits('<message><body>test</body></message>')
  await laptop!.sync()
  return { stage, phone: phone!, laptop: laptop!, balcony: balcony! }
}

/** The kinds of the records that the journal keeps, a list for each batch, of what is done meanwhile. */
async function batches(stage: Scenario, act: () => void): Promise<string[][]> {
  await turn()
  const before = stage.journalStore.last
  act()
  await turn()
  await turn()
  return [...stage.journalStore.read(before + 1)].map(([, batch]) => recordsOf(batch).map(([kind]) => kind))
}

const message = "<message to='juliet@home.test' type='chat'><body>hi</body></message>"

test('DESIGN 3: both archives, which have one text, the delivery, the copy and the count of a message are kept together', async () => {
  const { stage, phone, laptop, balcony } = await play()
  await laptop.asks("<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
  balcony.comes()
  await balcony.sync()
  const [kept] = await batches(stage, () => phone.says(message))
  expect(kept?.toSorted()).toEqual(['again', 'count', 'log', 'out', 'out'])
})

test('DESIGN 3: that a message waits is kept with its entries and the count', async () => {
  const { stage, phone } = await play()
  const [kept] = await batches(stage, () => phone.says(message))
  expect(kept?.toSorted()).toEqual(['again', 'count', 'log', 'suspend'])
})

test('DESIGN 3: that messages no longer wait is kept with the presence that took them and with their delivery', async () => {
  const { stage, phone, balcony } = await play()
  for (let i = 0; i < 3; i++) phone.says(message)
  await phone.sync()
  const kept = await batches(stage, () => balcony.comes())
  const taking = kept.find((kinds) => kinds.includes('settle'))
  expect(taking).toEqual(expect.arrayContaining(['set', 'out', 'out', 'out', 'settle', 'count']))
  expect(kept.flat().filter((kind) => kind === 'settle')).toHaveLength(1)
})

test('XEP-0359 §3: what is kept of a message that has got an id meanwhile has the id', async () => {
  let stored: LogStore<string> | undefined
  const again = defineModule({
    name: 'again',
    needs: [archive, mam],
    start(host) {
      const { keep, log } = host.use(archive)
      stored = log
      host.hook('message:in', 'deliver', (passage) => {
        const { to, from } = passage.stanza
        if (to) keep(passage, to.bare, from!)
      })
    },
  })
  await using stage = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [mam, again] })
  stage.clients.phone!.says(message)
  await stage.clients.phone!.sync()
  const { entries } = await stored!.page('juliet@home.test', {})
  expect(entries.map(({ value }) => value.includes('stanza-id'))).toEqual([false, true])
})
