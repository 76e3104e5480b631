// What came of each record of a request, told in the order the records came although their batches are answered by
// partition and in any order: {"partition","offset","timestamp"}, or {"partition","error"}.

import type { AppendResult } from '../log/append.ts'
import type { Failure } from '../protocol/errors.ts'
import { recordError } from './problem.ts'

/** Runs already told are forgotten this many at a time. */
const FORGET_RUNS = 4_096

/** A batch on its way, as far as its answer needs to know it. */
export interface Cut {
  readonly count: number
  /** ms; one for all of its records, or one each. */
  timestamps: number | readonly number[]
  result: AppendResult | undefined
  /** Records told of. */
  told: number
}

type Stored = Exclude<AppendResult, Failure>

export interface Answers {
  readonly partition: number
  /** Batches in order; the first goes when all of its records are told of. */
  readonly cuts: Cut[]
}

/** What came of one record; `offset` and `timestamp` are -1 where it failed. */
export type Tell = (partition: number, offset: number, timestamp: number, failed: Failure | undefined) => void

export class Answer {
  /** In request order, neighbours of one partition as one run. */
  #lanes: Answers[] = []
  #counts: number[] = []
  #head = 0
  /** Records not told of yet. */
  untold = 0
  succeeded = 0
  failed = 0
  firstFailure: Failure | undefined

  /** The next records of the request go to this partition. */
  expect(lane: Answers, count = 1): void {
    this.untold += count
    const last = this.#lanes.length - 1
    if (last >= this.#head && this.#lanes[last] === lane) this.#counts[last]! += count
    else {
      this.#lanes.push(lane)
      this.#counts.push(count)
    }
  }

  /** Is the next record's answer known? */
  get ready(): boolean {
    return this.#lanes[this.#head]?.cuts[0]?.result !== undefined
  }

  /** The answers known so far that were not taken yet, about `max` at most, each followed by the separator. */
  take(separator: ',' | '\n', max = Number.POSITIVE_INFINITY): string {
    let text = ''
    this.#advance(max, (partition, cut, result, count) => {
      text += this.#text(partition, cut, result, count, separator)
    })
    return text
  }

  /** The same, for doors that write their answers themselves. */
  tell(tell: Tell, max = Number.POSITIVE_INFINITY): void {
    this.#advance(max, (partition, cut, result, count) => {
      if ('error' in result) {
        this.#fail(result, count)
        for (let i = 0; i < count; i++) tell(partition, -1, -1, failureOf(result, cut.told + i))
        return
      }
      this.succeeded += count
      for (let i = 0; i < count; i++) {
        const index = cut.told + i
        tell(partition, result.baseOffset + index, timestampOf(cut, result, index), undefined)
      }
    })
  }

  #advance(max: number, tell: (partition: number, cut: Cut, result: AppendResult, count: number) => void): void {
    const enough = this.untold - max
    while (this.#head < this.#lanes.length && this.untold > enough) {
      const lane = this.#lanes[this.#head]!
      const cut = lane.cuts[0]
      if (cut?.result === undefined) break
      const count = Math.min(this.#counts[this.#head]!, cut.count - cut.told)
      tell(lane.partition, cut, cut.result, count)
      cut.told += count
      this.untold -= count
      if (cut.told === cut.count) lane.cuts.shift()
      this.#counts[this.#head]! -= count
      if (this.#counts[this.#head] === 0) this.#head++
    }
    if (this.#head >= FORGET_RUNS) {
      this.#lanes = this.#lanes.slice(this.#head)
      this.#counts = this.#counts.slice(this.#head)
      this.#head = 0
    }
  }

  #fail({ error, message }: Failure, count: number): void {
    this.failed += count
    this.firstFailure ??= { error, message }
  }

  #text(partition: number, cut: Cut, result: AppendResult, count: number, separator: string): string {
    let text = ''
    if ('error' in result) {
      this.#fail(result, count)
      for (let i = 0; i < count; i++) text += errorText(partition, result, cut.told + i) + separator
      return text
    }
    this.succeeded += count
    const first = result.baseOffset + cut.told
    const { timestamps } = cut
    const start = `{"partition":${partition},"offset":`
    if (result.logAppendTime >= 0 || typeof timestamps === 'number') {
      const end = `,"timestamp":${result.logAppendTime >= 0 ? result.logAppendTime : (timestamps as number)}}${separator}`
      for (let i = 0; i < count; i++) text += start + (first + i) + end
    } else
      for (let i = 0; i < count; i++)
        text += `${start}${first + i},"timestamp":${timestamps[cut.told + i]}}${separator}`
    return text
  }
}

const errorText = (partition: number, result: AppendResult & Failure, index: number): string =>
  `{"partition":${partition},"error":${JSON.stringify(recordError(failureOf(result, index)))}}`

/** Of a batch that was refused, what is said of this record. */
function failureOf(result: AppendResult & Failure, index: number): Failure {
  const own = 'recordErrors' in result ? result.recordErrors?.find(error => error.index === index) : undefined
  return own ? { error: result.error, message: own.message } : result
}

function timestampOf({ timestamps }: Cut, { logAppendTime }: Stored, index: number): number {
  if (logAppendTime >= 0) return logAppendTime
  return typeof timestamps === 'number' ? timestamps : timestamps[index]!
}
