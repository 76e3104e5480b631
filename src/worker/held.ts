// The beginning of something whose end comes in a later chunk, with a bound on what it may hold.

import { joined } from '../protocol/bytes.ts'

export class Held {
  readonly #maxBytes: number
  readonly #tooLong: () => Error
  #parts: Uint8Array[] = []
  #sizeBytes = 0

  /** `tooLong` is thrown where more is to be held than may be. */
  constructor(maxBytes: number, tooLong: () => Error) {
    this.#maxBytes = maxBytes
    this.#tooLong = tooLong
  }

  get isEmpty(): boolean {
    return this.#sizeBytes === 0
  }

  hold(part: Uint8Array): void {
    this.#sizeBytes += part.length
    if (this.#sizeBytes > this.#maxBytes) throw this.#tooLong()
    this.#parts.push(part)
  }

  /** Everything held, in one buffer of its own; nothing is held afterwards. */
  take(): Uint8Array {
    const whole = joined(this.#parts)
    this.#parts = []
    this.#sizeBytes = 0
    return whole
  }
}
