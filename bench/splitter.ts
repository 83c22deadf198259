/** Cuts a stream into its stanzas (and nonzas), as text: a parser would cost the load more than the stanza costs a good server. */
export class Splitter {
  #text = ''
  /** Where the next tag is looked for. */
  #at = 0
  #depth = 0

  /** Gives each whole stanza to `take`, and `</stream:stream>` too. */
  write(chunk: string, take: (stanza: string) => void): void {
    const text = this.#text + chunk
    let start = 0
    let at = this.#at
    for (;;) {
      const open = text.indexOf('<', at)
      const close = open < 0 ? -1 : text.indexOf('>', open)
      if (close < 0) break
      if (this.#depth === 0) start = open
      at = close + 1
      if (text[open + 1] === '/') this.#depth = Math.max(0, this.#depth - 1)
      else if (text[close - 1] !== '/') this.#depth++
      if (this.#depth > 0) continue
      take(text.slice(start, at))
      start = at
    }
    this.#text = text.slice(start)
    this.#at = at - start
  }
}
