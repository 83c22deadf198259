/** Where a character that is rare comes next, remembered so that a text is searched once however often it is asked. */
export class Next {
  readonly #character: string
  #text = ''
  #at = 0

  constructor(character: string) {
    this.#character = character
  }

  /** To be told of each text before it is asked about it. */
  begin(text: string): void {
    this.#text = text
    this.#at = -1
  }

  /** Whether it stands in this part of the text; parts are asked for in order. */
  isWithin(start: number, end: number): boolean {
    if (this.#at < start) {
      const found = this.#text.indexOf(this.#character, start)
      this.#at = found < 0 ? this.#text.length : found
    }
    return this.#at < end
  }
}
