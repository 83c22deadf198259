import { clientNs, type Element, type Jid, mamNs, type Stanza, xml } from '@jackdaw/xmpp'
import { lastOf, paging } from './words.ts'

/** Reads whole archives page by page (XEP-0313), several at a time if need be. */
export class ArchiveReader {
  readonly #ask: (type: 'set', payload: Element, to?: Jid) => Promise<Stanza | undefined>
  readonly #readings = new Map<string, Element[]>()
  #count = 0

  constructor(ask: (type: 'set', payload: Element, to?: Jid) => Promise<Stanza | undefined>) {
    this.#ask = ask
  }

  /** The messages of the archive, that of the account unless another is named; undefined when it could not be read. */
  async read(archive?: Jid): Promise<readonly Element[] | undefined> {
    const queryid = `q${++this.#count}`
    const messages: Element[] = []
    this.#readings.set(queryid, messages)
    for (let after: string | undefined; ;) {
      const answer = await this.#ask('set', xml('query', mamNs, { queryid }, paging(after, 250)), archive)
      const fin = answer?.child('fin', mamNs)
      after = lastOf(fin)
      if (fin && fin.attr('complete') !== 'true') continue
      this.#readings.delete(queryid)
      return fin && messages
    }
  }

  /** `<result/>` */
  hear(result: Element): void {
    const message = result.first()?.child('message', clientNs)
    if (message) this.#readings.get(result.attr('queryid') ?? '')?.push(message)
  }
}
