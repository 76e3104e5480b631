// The proof: where the broker said each record is, held against what a reader gets. Every record exactly once, unchanged,
// and those of one key in the order in which they were produced.

export interface Sent {
  readonly key: string
  /** As its JSON text. */
  readonly value: string
}

export interface Got {
  readonly partition: number
  readonly offset: number
  readonly key: unknown
  readonly value: unknown
}

export interface Verdict {
  readonly read: number
  readonly lost: number
  readonly twice: number
  /** At a place where nothing was produced, or not what was produced there. */
  readonly wrong: number
  /** Before one of the same key that was produced earlier. */
  readonly outOfOrder: number
  readonly keys: number
}

export class Ledger {
  readonly #sent: readonly Sent[]
  /** Partition → offset → which record. */
  readonly #places: number[][] = []

  constructor(sent: readonly Sent[]) {
    this.#sent = sent
  }

  /** The broker has acknowledged a record. */
  stored(index: number, { partition, offset }: { partition: number; offset: number }): void {
    const offsets = (this.#places[partition] ??= [])
    if (offsets[offset] !== undefined) throw new Error(`Two records were stored at ${partition}:${offset}.`)
    offsets[offset] = index
  }

  reader(): LedgerReader {
    return new LedgerReader(this.#sent, this.#places)
  }
}

export class LedgerReader {
  read = 0
  readonly #sent: readonly Sent[]
  readonly #places: readonly (readonly number[])[]
  readonly #seen: Uint8Array
  readonly #latest = new Map<string, number>()
  #twice = 0
  #wrong = 0
  #outOfOrder = 0

  constructor(sent: readonly Sent[], places: readonly (readonly number[])[]) {
    this.#sent = sent
    this.#places = places
    this.#seen = new Uint8Array(sent.length)
  }

  see({ partition, offset, key, value }: Got): void {
    this.read++
    const index = this.#places[partition]?.[offset]
    const sent = index === undefined ? undefined : this.#sent[index]
    if (index === undefined || sent === undefined || sent.key !== key || sent.value !== JSON.stringify(value)) {
      this.#wrong++
      return
    }
    if (this.#seen[index] === 1) this.#twice++
    this.#seen[index] = 1
    if (index < (this.#latest.get(sent.key) ?? -1)) this.#outOfOrder++
    this.#latest.set(sent.key, index)
  }

  verdict(): Verdict {
    let lost = 0
    for (const seen of this.#seen) if (seen === 0) lost++
    const { read } = this
    return { read, lost, twice: this.#twice, wrong: this.#wrong, outOfOrder: this.#outOfOrder, keys: this.#latest.size }
  }
}

export const holds = ({ lost, twice, wrong, outOfOrder }: Verdict): boolean =>
  lost === 0 && twice === 0 && wrong === 0 && outOfOrder === 0
