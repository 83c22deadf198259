import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Jid } from '@jackdaw/xmpp'
import { expect, test, vi } from 'vitest'
import { createServer } from '../server.ts'
import { openFileJournal } from './file.ts'
import { listParts } from './parts.ts'

test('parts that a killed server left behind are released once its sessions have been written anew', async () => {
  const data = mkdtempSync(join(tmpdir(), 'jackdaw-release-'))
  const folder = join(data, 'journal')
  const journal = openFileJournal({ folder, durability: 'process', partBytes: 1 })
  for (let i = 0; i < 5; i++) journal.append('["of no reader"]')
  journal.close()
  expect(listParts(folder)).toHaveLength(5)
  const server = await createServer({ data, log: { level: 'silent' } })
  await server.hosts.get('localhost')!.accounts.create(Jid.parse('romeo@localhost'), 'the wine is red')
  await vi.waitFor(() => expect(listParts(folder)).toEqual([5]))
  await server.stop()
  rmSync(data, { recursive: true })
})
