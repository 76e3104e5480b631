// A stream of bytes as lines of text, wherever its chunks are cut, with a bound on what one line may hold.

import { Held } from './held.ts'

const NEWLINE = 0x0a

/** Whole lines in one buffer. */
export interface Block {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** A line is longer than it may be. */
export class LineTooLong extends Error {}

export class Lines {
  readonly #held: Held

  constructor(maxBytes: number) {
    this.#held = new Held(maxBytes, () => new LineTooLong(`A line may have ${maxBytes} bytes`))
  }

  /** The whole lines that this chunk completes, in order, each ended by a newline. */
  push(chunk: Uint8Array): Block[] {
    const blocks: Block[] = []
    let start = 0
    if (!this.#held.isEmpty) {
      const end = chunk.indexOf(NEWLINE) + 1
      if (end === 0) {
        this.#held.hold(chunk)
        return blocks
      }
      this.#held.hold(chunk.subarray(0, end))
      blocks.push(this.#taken())
      start = end
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end > start) blocks.push({ bytes: chunk, start, end })
    if (Math.max(start, end) < chunk.length) this.#held.hold(chunk.subarray(Math.max(start, end)))
    return blocks
  }

  /** The last line, if it has no newline. */
  finish(): Block | undefined {
    return this.#held.isEmpty ? undefined : this.#taken()
  }

  #taken(): Block {
    const bytes = this.#held.take()
    return { bytes, start: 0, end: bytes.length }
  }
}
