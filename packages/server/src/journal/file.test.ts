import { execFileSync, spawnSync } from 'node:child_process'
import * as nodeFiles from 'node:fs'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FileJournalOptions, type TornTail, openFileJournal } from './file.ts'
import { JournalError } from './frames.ts'
import { JournalReader, listParts, partFile } from './parts.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackdaw-journal-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (options: Partial<FileJournalOptions> = {}) =>
  openFileJournal({ folder, durability: 'process', ...options })
const texts = (journal: { read(from: number): Iterable<readonly [number, string]> }, from = 1) => [
  ...journal.read(from),
]
/** A journal with these batches, closed. */
function written(batches: readonly string[], options: Partial<FileJournalOptions> = {}): void {
  const journal = open(options)
  for (const batch of batches) journal.append(batch)
  journal.close()
}

test.each(['process', 'power'] as const)('what was appended is read again after reopening (%s)', (durability) => {
  const batches = ['["ä€😀"]', '["x"]', `["${'long '.repeat(200_000)}"]`, '["last"]']
  written(batches, { durability })
  const journal = open({ durability })
  expect(journal.last).toBe(4)
  expect(texts(journal)).toEqual(batches.map((batch, index) => [index + 1, batch]))
  expect(texts(journal, 4)).toEqual([[4, '["last"]']])
  journal.append('["next"]')
  expect(texts(journal, 5)).toEqual([[5, '["next"]']])
  journal.close()
})

test('only the owner may read the folder and its parts', () => {
  const inner = join(folder, 'a', 'b')
  open({ folder: inner }).close()
  expect(statSync(inner).mode & 0o777).toBe(0o700)
  expect(statSync(partFile(inner, 1)).mode & 0o777).toBe(0o600)
})

test('a file that was removed or replaced is found out, and takes nothing until it is back', () => {
  const journal = open()
  journal.append('["one"]')
  expect(journal.isInPlace()).toBe(true)
  const file = partFile(folder, 1)
  const away = `${file}.away`
  renameSync(file, away)
  expect(journal.isInPlace()).toBe(false)
  expect(() => journal.append('["two"]')).toThrow(`Its file ${file} has been removed or replaced`)
  writeFileSync(file, '')
  expect(() => journal.append('["two"]')).toThrow(JournalError)
  renameSync(away, file)
  journal.append('["two"]')
  journal.close()
  expect(texts(open()).map(([, text]) => text)).toEqual(['["one"]', '["two"]'])
})

test('a journal of a newer format is refused', () => {
  written(['["one"]'])
  writeFileSync(`${partFile(folder, 2)}2`, 'whatever')
  expect(() => open()).toThrow(`${partFile(folder, 2)}2 was written by a newer Jackdaw`)
})

test('parts are begun when one is full, and released whole, never the one that is being written', () => {
  const journal = open({ partBytes: 40 })
  const begun: number[] = []
  for (let number = 1; number <= 7; number += 1) {
    journal.append('["fifteen bytes"]')
    if (journal.part !== begun.at(-1)) begun.push(journal.part)
  }
  expect(begun).toEqual([1, 3, 5, 7])
  journal.release(4)
  expect(listParts(folder)).toEqual([3, 5, 7])
  expect(texts(journal).map(([number]) => number)).toEqual([3, 4, 5, 6, 7])
  journal.release(1000)
  expect(listParts(folder)).toEqual([7])
  journal.close()
  const again = open({ partBytes: 40 })
  expect(again.last).toBe(7)
  again.close()
})

test('numbers go on when the only part is empty', () => {
  writeFileSync(partFile(folder, 42), '')
  const journal = open()
  expect([journal.last, journal.part]).toEqual([41, 42])
  journal.append('["a"]')
  expect(texts(journal)).toEqual([[42, '["a"]']])
  journal.close()
})

test('a tail torn at any byte is cut off and reported, and what was whole before it is kept', () => {
  const batches = ['["one"]', '["two, longer"]', '["three"]']
  const ends = [0]
  for (const batch of batches) ends.push(ends.at(-1)! + 8 + batch.length)
  written(batches)
  const whole = readFileSync(partFile(folder, 1))
  for (let size = 0; size <= whole.length; size += 1) {
    writeFileSync(partFile(folder, 1), whole.subarray(0, size))
    const torn: TornTail[] = []
    const journal = open({ onTorn: (tail) => torn.push(tail) })
    const count = ends.findLastIndex((end) => end <= size)
    expect(texts(journal)).toEqual(batches.slice(0, count).map((batch, index) => [index + 1, batch]))
    const offset = ends[count]!
    expect(torn).toEqual(offset === size ? [] : [{ file: partFile(folder, 1), offset, bytes: size - offset }])
    journal.append('["new"]')
    expect(texts(journal, count + 1)).toEqual([[count + 1, '["new"]']])
    journal.close()
  }
})

test('a tail of zeros or of garbage is cut off', () => {
  const random = Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 7919 + (index >> 3)) & 0xff))
  for (const garbage of [Buffer.alloc(4096), random, Buffer.from([255, 255, 255, 127, 0, 0, 0, 0, 1])]) {
    rmSync(partFile(folder, 1), { force: true })
    written(['["one"]'])
    appendFileSync(partFile(folder, 1), garbage)
    const torn: TornTail[] = []
    const journal = open({ onTorn: (tail) => torn.push(tail) })
    expect(texts(journal)).toEqual([[1, '["one"]']])
    expect(torn.map((tail) => tail.bytes)).toEqual([garbage.length])
    journal.close()
  }
})

test('any changed byte before the last batch is refused, never skipped', () => {
  written(['["one"]', '["two"]', '["three"]'])
  const whole = readFileSync(partFile(folder, 1))
  const lastFrame = whole.length - 8 - '["three"]'.length
  fc.assert(
    fc.property(fc.nat(lastFrame - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= change
      writeFileSync(partFile(folder, 1), damaged)
      expect(() => open()).toThrow(/damaged at byte \d+, and more was kept behind it/)
      expect(readFileSync(partFile(folder, 1))).toEqual(damaged)
    }),
    { numRuns: 60 },
  )
})

test('damage in an earlier part, or a part that is missing, is refused when it is read', () => {
  written(['["one"]', '["two"]', '["three"]'], { partBytes: 1 })
  copyFileSync(partFile(folder, 2), join(folder, 'copy'))
  truncateSync(partFile(folder, 2), 10)
  let journal = open()
  expect(() => texts(journal)).toThrow(JournalError)
  expect(() => texts(journal)).toThrow(/damaged at byte 0/)
  expect(texts(journal, 3)).toEqual([[3, '["three"]']])
  journal.close()
  rmSync(partFile(folder, 2))
  journal = open()
  expect(() => texts(journal)).toThrow(/0002\.journal is missing/)
  journal.close()
})

test('a power cut that tore the end of one part and left the next one empty costs that end only', () => {
  written(['["one"]', '["two"]'])
  truncateSync(partFile(folder, 1), statSync(partFile(folder, 1)).size - 1)
  writeFileSync(partFile(folder, 3), Buffer.alloc(10))
  const torn: TornTail[] = []
  const journal = open({ onTorn: (tail) => torn.push(tail) })
  expect(torn.map(({ file, bytes }) => [file, bytes])).toEqual([
    [partFile(folder, 3), 10],
    [partFile(folder, 1), 14],
  ])
  journal.append('["again"]')
  expect(texts(journal)).toEqual([
    [1, '["one"]'],
    [2, '["again"]'],
  ])
  journal.close()
})

test('a reader follows the part that is being written, and over to the next ones', () => {
  const journal = open({ partBytes: 60 })
  const reader = new JournalReader(folder)
  const seen: string[] = []
  for (let number = 1; number <= 30; number += 1) {
    journal.append(`["${number}"]`)
    if (number % 4 !== 0) continue
    for (const [at, batch] of reader.read(seen.length + 1, number)) seen.push(`${at} ${batch}`)
    journal.release(number)
  }
  expect(seen).toEqual(Array.from({ length: 28 }, (_, index) => `${index + 1} ["${index + 1}"]`))
  reader.close()
  journal.close()
})

test('a reader stops at what was committed, whatever half frame lies behind it, and finds what replaces that', () => {
  const journal = open()
  journal.append('["one"]')
  appendFileSync(partFile(folder, 1), Buffer.from([9, 0, 0, 0, 1, 2, 3]))
  const reader = new JournalReader(folder)
  expect([...reader.read(1, 1)]).toEqual([[1, '["one"]']])
  journal.append('["two"]')
  expect([...reader.read(2, 2)]).toEqual([[2, '["two"]']])
  reader.close()
  journal.close()
})

test('short writes are continued', () => {
  const files = {
    ...nodeFiles,
    writeSync: ((descriptor: number, frame: Buffer, offset: number, length: number, position: number) =>
      nodeFiles.writeSync(descriptor, frame, offset, Math.min(length, 5), position)) as typeof nodeFiles.writeSync,
  }
  written(['["a batch in many writes"]'], { files })
  const journal = open()
  expect(texts(journal)).toEqual([[1, '["a batch in many writes"]']])
  journal.close()
})

test('a failed append keeps nothing, also when cutting it back fails at first', () => {
  let isFull = false
  let isCutRefused = false
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  const files = {
    ...nodeFiles,
    writeSync: ((descriptor: number, frame: Buffer, offset: number, length: number, position: number) => {
      if (!isFull) return nodeFiles.writeSync(descriptor, frame, offset, length, position)
      if (offset === 0) return nodeFiles.writeSync(descriptor, frame, 0, length - 1, position)
      throw full
    }) as typeof nodeFiles.writeSync,
    ftruncateSync: ((descriptor: number, size: number) => {
      if (isCutRefused) throw full
      nodeFiles.ftruncateSync(descriptor, size)
    }) as typeof nodeFiles.ftruncateSync,
  }
  const journal = open({ files })
  journal.append('["one"]')
  const size = statSync(partFile(folder, 1)).size
  isFull = true
  expect(() => journal.append('["a long batch that does not fit"]')).toThrow('ENOSPC')
  expect([journal.last, statSync(partFile(folder, 1)).size]).toEqual([1, size])
  isCutRefused = true
  expect(() => journal.append('["a long batch that does not fit"]')).toThrow('ENOSPC')
  expect(statSync(partFile(folder, 1)).size).toBeGreaterThan(size)
  isFull = false
  expect(() => journal.append('["two"]')).toThrow('ENOSPC')
  isCutRefused = false
  journal.append('["two"]')
  expect(texts(journal)).toEqual([
    [1, '["one"]'],
    [2, '["two"]'],
  ])
  journal.close()
  expect(statSync(partFile(folder, 1)).size).toBe(2 * size)
})

test.skipIf(process.platform === 'win32')(
  'a real limit of the system stops the file, and only whole batches stay',
  () => {
    const script = `
    const { openFileJournal } = await import(${JSON.stringify(new URL('./file.ts', import.meta.url).href)})
    const journal = openFileJournal({ folder: process.argv[1], durability: 'power' })
    try { for (;;) journal.append(JSON.stringify(['x'.repeat(9000)])) } catch (error) { console.log(error.code, journal.last) }`
    const limited = spawnSync('sh', [
      '-c',
      'ulimit -f 128; exec "$0" --input-type=module -e "$1" "$2"',
      process.execPath,
      script,
      folder,
    ])
    const [code, last] = limited.stdout.toString().trim().split(' ')
    expect([code, limited.stderr.toString()]).toEqual(['EFBIG', ''])
    expect(Number(last)).toBeGreaterThan(3)
    expect(statSync(partFile(folder, 1)).size).toBe(Number(last) * (8 + 9004))
    const torn: TornTail[] = []
    const journal = open({ onTorn: (tail) => torn.push(tail) })
    expect([journal.last, torn]).toEqual([Number(last), []])
    journal.append('["more"]')
    journal.close()
  },
)

test('a folder in use by another process is refused by name, one whose process died is not', () => {
  const script = `
    const { openFileJournal } = await import(${JSON.stringify(new URL('./file.ts', import.meta.url).href)})
    try { openFileJournal({ folder: process.argv[1], durability: 'process' }).append('["x"]') } catch (error) { console.log(error.message) }
    process.kill(process.pid, 'SIGKILL')`
  const other = () => spawnSync(process.execPath, ['--input-type=module', '-e', script, folder]).stdout.toString()
  expect(other()).toBe('')
  const journal = open()
  expect(journal.last).toBe(1)
  expect(other()).toContain(`The journal folder ${folder} is in use by process ${process.pid}: stop that server first.`)
  expect(() => open()).toThrow(JournalError)
  journal.close()
  open().close()
})

test('a folder that is a file, or lies below one, is refused in plain words', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(() => open({ folder: file })).toThrow(/cannot be opened .*: check that it is a folder/)
  expect(() => open({ folder: join(file, 'below') })).toThrow(JournalError)
})

test('other files in the folder are left alone', () => {
  writeFileSync(join(folder, 'note.txt'), 'mine')
  written(['["a"]'])
  expect(readdirSync(folder).toSorted()).toEqual(['0000000000000001.journal', 'lock', 'note.txt'])
  expect(execFileSync('cat', [join(folder, 'note.txt')]).toString()).toBe('mine')
})
