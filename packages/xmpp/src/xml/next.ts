/** Where a character that is rare comes next in a text, remembered so that it is searched once however often it is asked. */
export class Next {
  readonly #character: string
  #at = -1

  constructor(character: string) {
    this.#character = character
  }

  /** To be told when another text follows. */
  begin(): void {
    this.#at = -1
  }

  /** Whether it stands in this part of the text; parts are asked for in order. */
  isWithin(text: string, start: number, end: number): boolean {
    if (this.#at < start) {
      const found = text.indexOf(this.#character, start)
      this.#at = found < 0 ? text.length : found
    }
    return this.#at < end
  }
}
