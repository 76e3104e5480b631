// A stream of bytes as lines of text, wherever its chunks are cut, with a bound on what one line may hold.

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
  readonly #maxBytes: number
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The whole lines that this chunk completes, in order, each ended by a newline. */
  push(chunk: Uint8Array): Block[] {
    const blocks: Block[] = []
    let start = 0
    if (this.#heldBytes > 0) {
      const end = chunk.indexOf(NEWLINE) + 1
      if (end === 0) {
        this.#hold(chunk)
        return blocks
      }
      this.#hold(chunk.subarray(0, end))
      blocks.push(this.#taken())
      start = end
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end > start) blocks.push({ bytes: chunk, start, end })
    if (Math.max(start, end) < chunk.length) this.#hold(chunk.subarray(Math.max(start, end)))
    return blocks
  }

  /** The last line, if it has no newline. */
  finish(): Block | undefined {
    return this.#heldBytes === 0 ? undefined : this.#taken()
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length
    if (this.#heldBytes > this.#maxBytes) throw new LineTooLong(`A line may have ${this.#maxBytes} bytes`)
    this.#held.push(part)
  }

  #taken(): Block {
    const bytes = new Uint8Array(this.#heldBytes)
    let at = 0
    for (const part of this.#held) {
      bytes.set(part, at)
      at += part.length
    }
    this.#held = []
    this.#heldBytes = 0
    return { bytes, start: 0, end: bytes.length }
  }
}
