// Producing through a live WebSocket: frames are appended in the order they came and answered in that order, several on
// their way at once.

import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import { plainFormat, type SchemaChoice, SchemaWriter } from '../registry/encoding.ts'
import { isMalformed } from '../malformed.ts'
import { recordError } from '../problem.ts'
import { appendAll, startProducing, topicToProduce } from '../producing.ts'
import { parseRecords } from '../records-in.ts'
import type { ClientFrame } from './client-frames.ts'

/** Frames and bytes on their way. A client that sends more without waiting is refused until all of them are answered. */
const MAX_IN_FLIGHT = 1_000
const MAX_IN_FLIGHT_BYTES = 16_777_216
/**
 * Up to this part of the largest batch a frame is so few batches a partition that all of them are sent at once, and the
 * next frame may follow. Before one that is larger is answered, nothing does: its last batches would come after.
 */
const AT_ONCE = 0.9
const LARGEST_BATCH = 1_000_000

export type ProduceFrame = Extract<ClientFrame, { type: 'produce' }>

export interface LiveProducerOptions {
  readonly broker: Broker
  readonly format: SchemaChoice
  /** Where records of frames go that do not say. */
  readonly topic: string | undefined
  /** Why this client may not produce at all. */
  readonly refused: Failure | undefined
  answer(text: string): void
}

export class LiveProducer {
  readonly #options: LiveProducerOptions
  /** Everything before is on its way, in order; everything before is answered. */
  #sent: Promise<unknown> = Promise.resolve()
  #answered: Promise<unknown> = Promise.resolve()
  #inFlight = 0
  #inFlightBytes = 0
  #full = false

  constructor(options: LiveProducerOptions) {
    this.#options = options
  }

  produce(frame: ProduceFrame): void {
    const { length } = frame.records
    const refused = this.#options.refused ?? this.#overfull(length)
    this.#inFlight++
    this.#inFlightBytes += length
    const sent = refused ? Promise.resolve({ text: refusal(refused) }) : this.#sent.then(() => this.#send(frame))
    if (!refused) this.#sent = sent.catch(() => {})
    const answered = this.#answered
    this.#answered = sent
      .then(({ text }) => text)
      .catch((error: unknown) => refusal(failure('UNKNOWN_SERVER_ERROR', String(error))))
      .then(async text => {
        await answered
        this.#inFlight--
        this.#inFlightBytes -= length
        if (this.#inFlight === 0) this.#full = false
        this.#options.answer(`{"type":"ack","id":${frame.id},${text}}`)
      })
  }

  /** Once one frame is refused those after it are, too, until the client has seen it: nothing overtakes it. */
  #overfull(more: number): Failure | undefined {
    if (more > MAX_IN_FLIGHT_BYTES)
      return failure('RECORD_LIST_TOO_LARGE', `A frame may have ${MAX_IN_FLIGHT_BYTES} bytes of records; send several.`)
    this.#full ||= this.#inFlight >= MAX_IN_FLIGHT || this.#inFlightBytes + more > MAX_IN_FLIGHT_BYTES
    return this.#full
      ? failure(
          'THROTTLING_QUOTA_EXCEEDED',
          `More than ${MAX_IN_FLIGHT} frames or ${MAX_IN_FLIGHT_BYTES} bytes are unanswered; wait for the acks, then send this again.`,
        )
      : undefined
  }

  /** Resolves when everything is on its way to the partitions. */
  async #send({ records, topic: named }: ProduceFrame): Promise<{ readonly text: Promise<string> | string }> {
    const { broker, format, topic: preset } = this.#options
    const name = named ?? preset
    if (name === undefined) return { text: refusal(failure('INVALID_REQUEST', 'A produce frame must say its topic.')) }
    const schemas = await SchemaWriter.open(broker, name, format)
    if (schemas !== undefined && isFailure(schemas)) return { text: refusal(schemas) }
    const plain = { format: plainFormat(format.format), keyFormat: plainFormat(format.keyFormat) }
    const read = parseRecords(records, { ...plain, now: Date.now() })
    const drafts = schemas?.encode(read) ?? read
    if (isMalformed(drafts)) {
      const { malformed, record, field } = drafts
      return { text: refusal(failure('INVALID_REQUEST', malformed), { record, field }) }
    }
    const topic = await topicToProduce(broker, name)
    if (isFailure(topic)) return { text: refusal(topic) }
    const accumulator = await startProducing(broker, topic, {})
    const text = appendAll(accumulator, drafts).then(() => `"records":[${accumulator.answer.take(',').slice(0, -1)}]`)
    const largest = Math.min(LARGEST_BATCH, Number(topic.config['max.message.bytes'] ?? LARGEST_BATCH))
    if (records.length > largest * AT_ONCE) await text
    return { text }
  }
}

const refusal = (why: Failure, where: { record?: number | undefined; field?: string | undefined } = {}): string =>
  `"error":${JSON.stringify({ ...recordError(why), ...where })}`
