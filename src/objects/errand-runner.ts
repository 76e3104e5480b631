// ErrandRunner: carries out what a machine's state says is still to be told to other objects, in waves of bounded size. What
// is to be told, and when again after a failure, is the machine's; every call may be repeated.

import { logEvent } from '../log-line.ts'

/** Calls on their way at once. */
const WAVE = 50
/** Calls of one run; the alarm goes on with the rest, in an invocation of its own. */
const MAX_CALLS = 5_000
/** A call without an answer by then has failed. */
const CALL_TIMEOUT_MS = 10_000

export interface Errands<Call extends { readonly id: string }> {
  /** The next `most` calls, without those of these ids. */
  next(most: number, except: ReadonlySet<string>): readonly Call[]
  carryOut(call: Call): Promise<unknown>
  /** What became of calls; resolves when that is known for good. `next` must not bring the answered ones again. */
  report(answered: readonly Call[], failed: readonly Call[]): Promise<unknown>
}

export class ErrandRunner<Call extends { readonly id: string }> {
  readonly #errands: Errands<Call>
  readonly #object: string
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  #again = false
  #lastError: unknown

  /** `object` is whose errands these are, in the log. */
  constructor(object: string, errands: Errands<Call>) {
    this.#object = object
    this.#errands = errands
  }

  /** Carries out all there is, and what comes while it runs; resolves when nothing is left to try now. */
  run(): Promise<void> {
    this.#again = true
    if (!this.#isRunning) {
      this.#isRunning = true
      this.#running = this.#runs()
    }
    return this.#running
  }

  async #runs(): Promise<void> {
    try {
      for (let calls = 0; this.#again && calls < MAX_CALLS;) {
        this.#again = false
        calls += await this.#carryOutAll(MAX_CALLS - calls)
      }
    } finally {
      this.#isRunning = false
    }
  }

  /** Wave after wave; what fails is not tried twice. Returns how many calls were made. */
  async #carryOutAll(most: number): Promise<number> {
    const failed = new Map<string, Call>()
    let calls = 0
    while (calls < most) {
      const wave = this.#errands.next(Math.min(WAVE, most - calls), new Set(failed.keys()))
      if (wave.length === 0) break
      calls += wave.length
      const answered = await this.#carryOut(wave, failed)
      if (answered.length > 0) await this.#errands.report(answered, [])
    }
    if (failed.size > 0) {
      const [id] = failed.keys()
      const message = `${failed.size} errands failed and are tried again later, ${id} among them: ${this.#lastError}`
      logEvent('warn', message, { object: this.#object })
      await this.#errands.report([], [...failed.values()])
    }
    return calls
  }

  async #carryOut(wave: readonly Call[], failed: Map<string, Call>): Promise<readonly Call[]> {
    const answered: Call[] = []
    const attempts = wave.map(async call => {
      try {
        await inTime(this.#errands.carryOut(call))
        answered.push(call)
      } catch (error) {
        failed.set(call.id, call)
        this.#lastError = error
      }
    })
    await Promise.all(attempts)
    return answered
  }
}

async function inTime(answer: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${CALL_TIMEOUT_MS} ms`)), CALL_TIMEOUT_MS)
  })
  try {
    await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
