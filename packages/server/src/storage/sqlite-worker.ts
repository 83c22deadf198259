import { parentPort, workerData } from 'node:worker_threads'
import { JournalReader } from '../journal/parts.ts'
import { Applier } from './applier.ts'
import { connect } from './sqlite-connection.ts'
import { CLOSING, COMMITTED, type FollowerReport, SIGNAL, URGENT, WANTED, type WorkerData } from './sqlite-shared.ts'

/** Nobody waits: so long (ms) batches gather, because rows written together cost half. */
const GATHER = 500
const RETRY = 1000

/** The worker thread that follows the journal: it sleeps in `Atomics.wait`, never in an event loop. */
function follow({ path, folder, durability, state: { numbers, signals } }: WorkerData): void {
  const database = connect(path, durability)
  database.exec('PRAGMA cache_size = -65536')
  const applier = new Applier(database, durability === 'power')
  const journal = new JournalReader(folder)
  let isTroubled = false
  for (;;) {
    const signal = Atomics.load(signals, SIGNAL)
    const urgent = Atomics.load(signals, URGENT)
    const committed = Number(Atomics.load(numbers, COMMITTED))
    const isClosing = Atomics.load(signals, CLOSING) > 0
    if (isClosing && (isTroubled || committed <= applier.cursor)) break
    if (committed <= applier.cursor) {
      Atomics.wait(signals, SIGNAL, signal)
      continue
    }
    if (isTroubled) Atomics.wait(signals, CLOSING, 0, RETRY)
    else if (!isClosing && Number(Atomics.load(numbers, WANTED)) <= applier.cursor)
      Atomics.wait(signals, URGENT, urgent, GATHER)
    try {
      const upTo = Number(Atomics.load(numbers, COMMITTED))
      while (applier.cursor < upTo) {
        applier.apply(journal.read(applier.cursor + 1, upTo))
        report({ cursor: applier.cursor, safeCursor: applier.safeCursor, trims: applier.takeTrims() })
      }
      isTroubled = false
    } catch (error) {
      if (!isTroubled) report({ trouble: (error as Error).message })
      isTroubled = true
    }
  }
  journal.close()
  database.close()
}

function report(what: FollowerReport): void {
  parentPort!.postMessage(what)
}

follow(workerData as WorkerData)
