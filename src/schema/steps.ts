// A budget for walks that a hostile schema could make long: a schema of 1 MB is enough to ask for years.

import { Invalid } from './json-text.ts'

export class Steps {
  #left: number
  readonly #complaint: string

  constructor(most: number, complaint: string) {
    this.#left = most
    this.#complaint = complaint
  }

  /** Throws Invalid when there are none left. */
  take(): void {
    if (--this.#left < 0) throw new Invalid(this.#complaint)
  }
}
