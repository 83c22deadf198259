export const cdataStart = '<![CDATA['
export const declarationStart = '<?xml'

const markupOrQuote = /["'>]/g

/**
 * Searches for the end of one token of which only the beginning has come, each piece of text once: a token that drips in
 * byte by byte costs no more than one that comes whole.
 */
export class TokenEnd {
  readonly #kind: 'prefix' | 'text' | 'tag' | ']]>' | '?>'
  /** Within a tag: the quote that ends the attribute value we are in. */
  #quote = ''
  /** The last two characters seen, where `]]>` or `?>` may have begun. */
  #overlap = ''

  /** @param beginning the first characters of the token; those past the ninth make no difference here */
  constructor(beginning: string) {
    if (beginning.charCodeAt(0) !== 0x3c) this.#kind = 'text'
    else if (beginning.startsWith(cdataStart)) this.#kind = ']]>'
    else if (cdataStart.startsWith(beginning) || declarationStart.startsWith(beginning)) this.#kind = 'prefix'
    else this.#kind = beginning.charCodeAt(1) === 0x3f ? '?>' : 'tag'
  }

  /**
   * The index in `text` at which the token has ended, or -1. The text follows what was searched before. A beginning
   * which does not show yet what it begins counts as ended by any text at all: it is then looked at anew.
   */
  search(text: string): number {
    switch (this.#kind) {
      case 'prefix':
        return text.length
      case 'text':
        return text.indexOf('<')
      case 'tag':
        return this.#searchTag(text)
      default: {
        const seam = (this.#overlap + text.slice(0, 2)).indexOf(this.#kind)
        if (seam >= 0) return seam + this.#kind.length - this.#overlap.length
        const found = text.indexOf(this.#kind)
        if (found >= 0) return found + this.#kind.length
        this.#overlap = (this.#overlap + text.slice(-2)).slice(-2)
        return -1
      }
    }
  }

  #searchTag(text: string): number {
    for (let at = 0; ;) {
      if (this.#quote === '') {
        markupOrQuote.lastIndex = at
        const found = markupOrQuote.exec(text)
        if (found === null) return -1
        at = found.index + 1
        if (found[0] === '>') return at
        this.#quote = found[0]
      }
      const end = text.indexOf(this.#quote, at)
      if (end < 0) return -1
      this.#quote = ''
      at = end + 1
    }
  }
}
