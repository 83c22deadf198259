import type { Loop } from './loop.ts'

/** Speakers, by their numbers, each of whom speaks again when all listeners have heard it. What a listener hears of one must come in order. */
export class Rounds {
  readonly #loop: Loop
  readonly #listeners: number
  readonly #speak: (speaker: number, number: number) => void
  readonly #said: number[]
  /** By how many a speaker's last word is still to be heard. */
  readonly #missing: number[]

  constructor(loop: Loop, speakers: number, listeners: number, speak: (speaker: number, number: number) => void) {
    this.#loop = loop
    this.#listeners = listeners
    this.#speak = speak
    this.#said = Array.from({ length: speakers }, () => 0)
    this.#missing = this.#said.map(() => listeners)
  }

  /** What one listener hears is told to what this returns. */
  listener(): (speaker: number, number: number) => void {
    const heard = this.#said.map(() => 0)
    return (speaker, number) => {
      if (number !== heard[speaker])
        return this.#loop.fail(`number ${number} of ${speaker} came where ${heard[speaker]} was due`)
      heard[speaker]++
      this.#loop.count()
      if (--this.#missing[speaker]! > 0) return
      this.#missing[speaker] = this.#listeners
      this.#said[speaker]!++
      this.#loop.next(() => this.#speak(speaker, this.#said[speaker]!))
    }
  }

  begin(): void {
    for (const [speaker, number] of this.#said.entries()) this.#speak(speaker, number)
  }
}
