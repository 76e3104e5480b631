// Producing a stream of lines, a record each: any length in bounded memory. Lines are appended as they come; a short stream
// is answered as one body would be, a long one gets its answer while it is still being sent.

import type { Context } from 'hono'
import { isFailure } from '../protocol/errors.ts'
import type { Accumulator } from './accumulator.ts'
import type { AppEnv } from './app.ts'
import { openBody } from './body.ts'
import { type Piece, readPieces } from './lines-in.ts'
import { isMalformed, type Malformed } from './malformed.ts'
import { NDJSON } from './media.ts'
import { malformedFailure, malformedProblem, problem, recordError } from './problem.ts'
import { accepted, answered, type ProduceRequest } from './produced.ts'
import { startProducing, topicToProduce } from './producing.ts'
import type { SchemaWriter } from './registry/encoding.ts'

/** Answers kept until the stream ends, so that its status can say how it went; beyond them the answer begins. */
const MAX_HELD_ANSWERS = 10_000
/** Answers kept for a client that sends without reading; beyond them nothing more is read of it. */
const MAX_UNTOLD_ANSWERS = 1_000_000
/** While lines keep coming they gather for so long, which makes batches of them; when none came for a moment they go. */
const LINGER_MS = 25
const QUIET_MS = 2
/** Records told of in one piece of the answer. */
const TOLD_TOGETHER = 2_000

const encoder = new TextEncoder()

export async function produceLines(c: Context<AppEnv>, request: ProduceRequest): Promise<Response> {
  const stream = openBody(c.req.raw)
  if (stream instanceof Response) return stream
  const pieces = encodedPieces(readPieces(stream, request), request.schemas)
  const first = await pieces.next()
  if (first.done) return Response.json({ records: [] })
  if (first.value.stopped) return malformedProblem(first.value.stopped)
  const { broker } = c.var
  const topic = await topicToProduce(broker, request.topic, request.partition)
  if (isFailure(topic)) return problem(topic)
  const accumulator = await startProducing(broker, topic, request, first.value.drafts)
  const production = new Production(accumulator, request.idempotencyKey !== undefined)
  const work = production.run(first.value, pieces)
  if (request.unanswered) {
    await work
    broker.background(accumulator.settled())
    return accepted(production.records)
  }
  const asLines = c.req.header('accept')?.includes(NDJSON) === true
  if (await production.endsWithin(asLines ? 0 : MAX_HELD_ANSWERS, work)) return production.wholeAnswer()
  return new Response(production.answerStream(asLines), {
    headers: { 'content-type': asLines ? NDJSON : 'application/json' },
  })
}

/** The pieces with what schemas make of them; the first record that does not fit its schema ends the stream. */
async function* encodedPieces(pieces: AsyncGenerator<Piece>, schemas: SchemaWriter | undefined): AsyncGenerator<Piece> {
  if (schemas === undefined) return yield* pieces
  let records = 0
  for await (const piece of pieces) {
    const encoded = schemas.encode(piece.drafts, records)
    if (isMalformed(encoded)) {
      const good = schemas.encode(piece.drafts.slice(0, encoded.record! - records), records)
      return yield { drafts: isMalformed(good) ? [] : good, stopped: encoded }
    }
    records += encoded.length
    yield { ...piece, drafts: encoded }
  }
}

/** Appends what is read, and says so: at the end, or on the way. */
class Production {
  records = 0
  readonly #accumulator: Accumulator
  /** Batches must come out the same if the stream comes again, so they are cut by size alone. */
  readonly #repeatable: boolean
  #flushedMs = Date.now()
  #stopped: Malformed | undefined
  #done = false
  #cancelled = false
  #waiting: (() => void)[] = []

  constructor(accumulator: Accumulator, repeatable: boolean) {
    this.#accumulator = accumulator
    this.#repeatable = repeatable
  }

  async run(first: Piece, pieces: AsyncGenerator<Piece>): Promise<void> {
    const accumulator = this.#accumulator
    let isCutOff = false
    try {
      for (let piece: Piece | undefined = first; piece !== undefined; piece = await this.#next(pieces)) {
        for (const draft of piece.drafts) {
          accumulator.add(draft)
          if (accumulator.full) await accumulator.room()
        }
        this.records += piece.drafts.length
        this.#stopped = piece.stopped
        isCutOff = piece.isCutOff === true
        if (this.#stopped || this.#cancelled) break
        this.#wake()
        while (accumulator.answer.untold > MAX_UNTOLD_ANSWERS && !this.#cancelled) await this.#changed()
      }
      if (this.#refused) return
      if (!isCutOff || !this.#repeatable) accumulator.flush()
      await accumulator.settled()
    } finally {
      this.#done = true
      await pieces.return(undefined)
      this.#wake()
    }
  }

  /** The next piece; what has gathered is sent meanwhile, if it is time. */
  async #next(pieces: AsyncGenerator<Piece>): Promise<Piece | undefined> {
    const accumulator = this.#accumulator
    const next = pieces.next()
    if (!this.#repeatable) {
      const more = Date.now() - this.#flushedMs < LINGER_MS && (await within(QUIET_MS, next))
      if (!more) {
        accumulator.flush('idle')
        this.#flushedMs = Date.now()
        // Where a partition was busy its lines go as soon as it is not: the next may never come before these are answered.
        const come = next.then(
          () => true,
          () => true,
        )
        while (accumulator.gathers && !(await Promise.race([come, accumulator.changed().then(() => false)])))
          accumulator.flush('idle')
      }
    }
    return (await next).value
  }

  /** Does the stream end before there are more answers than these to tell? */
  async endsWithin(answers: number, work: Promise<void>): Promise<boolean> {
    const { answer } = this.#accumulator
    const ended = work.then(() => true)
    // Told by whoever reads the answer, once it has begun.
    ended.catch(() => undefined)
    for (;;) {
      if (this.#done) return ended
      if (answer.untold > answers && answer.ready) return false
      await this.#progress()
    }
  }

  /** One answer for all of it; a stream stopped before anything was sent is refused. */
  wholeAnswer(): Response {
    const accumulator = this.#accumulator
    if (!this.#stopped) return answered(accumulator)
    if (this.#refused) return malformedProblem(this.#stopped)
    const text = accumulator.answer.take(',')
    return new Response(`{"records":[${text}${this.#stopText(this.#stopped)}]}`, {
      status: 207,
      headers: { 'content-type': 'application/json' },
    })
  }

  /** The answers as they come; when nobody reads them any more, no more is read of the stream. */
  answerStream(asLines: boolean): ReadableStream<Uint8Array> {
    const { answer } = this.#accumulator
    let separator = asLines ? '' : '{"records":['
    return new ReadableStream<Uint8Array>({
      pull: async controller => {
        while (!answer.ready && !this.#done) await this.#progress()
        const text = answer.take(asLines ? '\n' : ',', TOLD_TOGETHER)
        if (text !== '') {
          controller.enqueue(encoder.encode(asLines ? text : separator + text.slice(0, -1)))
          separator = ','
          this.#wake()
          return
        }
        const stopped = this.#stopped ? this.#stopText(this.#stopped) : ''
        const end = asLines ? stopped && `${stopped}\n` : `${stopped && separator + stopped}]}`
        if (end) controller.enqueue(encoder.encode(end))
        controller.close()
      },
      cancel: () => {
        this.#cancelled = true
        this.#wake()
      },
    })
  }

  /** Stopped before anything was sent: then nothing is. */
  get #refused(): boolean {
    return this.#stopped !== undefined && !this.#accumulator.sent
  }

  #stopText(stopped: Malformed): string {
    const { malformed: _, tooMany: __, ...members } = stopped
    return JSON.stringify({ error: { ...recordError(malformedFailure(stopped)), ...members } })
  }

  #progress(): Promise<void> {
    return Promise.race([this.#accumulator.changed(), this.#changed()])
  }

  #changed(): Promise<void> {
    return this.#done ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** Does it come so soon? */
async function within(ms: number, coming: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(resolve, ms, false)
  })
  const soon = await Promise.race([coming.then(() => true), late])
  clearTimeout(timer)
  return soon
}
