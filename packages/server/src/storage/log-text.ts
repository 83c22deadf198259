/** Searching entries by their words. The index is SQLite's FTS5, contentless: it keeps where words stand, not the texts. */

/** Most words of a search; more narrow nothing down that anybody remembers. */
const mostWords = 16

/** What FTS5's tokenizer `unicode61` takes for a word. */
const words = /[\p{L}\p{N}\p{Co}]+/gu

const bodies = /<body(?:\s[^>]*)?>([^<]*)<\/body>/g
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** What of an entry is searched: the bodies of the stanza that it is. The writer of stanzas knows no comments and no CDATA. */
export function searchedText(value: string): string {
  let text = ''
  for (const [, body] of value.matchAll(bodies))
    text += ` ${body!.replace(/&(\w+);/g, (_, name: string) => entities[name] ?? ' ')}`
  return text
}

/** A word that stands in every text of a shelf and in no other: FTS5 walks along the rarest word, so a search costs what its owner has. */
export function shelfWord(store: number, owner: number): string {
  return `shelf${store}x${owner}`
}

/** A query of FTS5 for entries of a shelf that hold all the words; undefined when there is no word. */
export function matching(text: string, store: number, owner: number): string | undefined {
  const sought = text.normalize('NFC').match(words)?.slice(0, mostWords)
  // In quotes nothing is an operator.
  return sought && [shelfWord(store, owner), ...sought].map((word) => `"${word}"`).join(' AND ')
}
