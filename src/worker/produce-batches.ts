// Bodies that are Kafka's own record batches: they go to the partition as they are, and are not opened on the way.

import type { Context } from 'hono'
import { type Batch, readBatches } from '../log/batch.ts'
import { decodeBatch } from '../log/records.ts'
import { failure, isFailure } from '../protocol/errors.ts'
import type { Cut } from './answer.ts'
import type { AppEnv } from './app.ts'
import { readBody } from './body.ts'
import { badRequest, problem } from './problem.ts'
import { accepted, answered, type ProduceRequest } from './produced.ts'
import { startProducing, topicToProduce } from './producing.ts'

/** Batches that are appended together, all or none, unless one alone is larger. */
const TOGETHER_BYTES = 8_388_608

/** Records of one body: the answer, which is made in memory, has an entry for each. */
const MAX_TOLD = 500_000

/** As many as it claims to hold: it is the log that checks it. */
const countOf = ({ count, lastOffsetDelta }: Batch): number => Math.max(count, lastOffsetDelta + 1, 1)

export async function produceBatches(c: Context<AppEnv>, request: ProduceRequest): Promise<Response> {
  const bytes = await readBody(c.req.raw)
  if (bytes instanceof Response) return bytes
  const batches = readBatches(bytes)
  const whole = batches.reduce((size, batch) => size + batch.bytes.length, 0)
  if (batches.length === 0 || whole !== bytes.length)
    return problem(failure('INVALID_RECORD', `The body is cut off or no record batch from byte ${whole} on.`))
  const count = batches.reduce((sum, batch) => sum + countOf(batch), 0)
  if (count > MAX_TOLD)
    return problem(
      failure('RECORD_LIST_TOO_LARGE', `The batches of a body hold ${MAX_TOLD} records at most; send several.`),
    )
  const { broker } = c.var
  const topic = await topicToProduce(broker, request.topic, request.partition)
  if (isFailure(topic)) return problem(topic)
  if (request.partition === undefined && topic.partitions > 1)
    return badRequest(`Batches do not say their partition: send them to /v1/topics/${topic.name}/partitions/N/records.`)

  const accumulator = await startProducing(broker, topic, request)
  const cuts: { cut: Cut; together: Batch[] }[] = []
  const append = async (): Promise<void> => {
    for (const together of groups(batches)) {
      const count = together.reduce((sum, batch) => sum + countOf(batch), 0)
      const cut = accumulator.addBatches(request.partition ?? 0, joined(bytes, together), count)
      if (!request.unanswered) cuts.push({ cut, together })
      if (accumulator.full) await accumulator.room()
    }
    await accumulator.settled()
  }
  const work = append()
  if (request.unanswered) {
    broker.background(work)
    return accepted(batches.reduce((sum, batch) => sum + batch.count, 0))
  }
  await work
  for (const { cut, together } of cuts) cut.timestamps = together.flatMap(timestampsOf)
  return answered(accumulator)
}

function groups(batches: readonly Batch[]): Batch[][] {
  const all: Batch[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const batch of batches) {
    size += batch.bytes.length
    if (size > TOGETHER_BYTES) {
      all.push([])
      size = batch.bytes.length
    }
    all.at(-1)!.push(batch)
  }
  return all
}

/** Neighbours in the body, as bytes. */
function joined(bytes: Uint8Array, together: readonly Batch[]): Uint8Array {
  const first = together[0]!.bytes
  const last = together.at(-1)!.bytes
  const start = first.byteOffset - bytes.byteOffset
  return bytes.slice(start, last.byteOffset - bytes.byteOffset + last.length)
}

/** A batch whose first record is its latest has, as good as always, one timestamp; others are opened. */
function timestampsOf(batch: Batch): number[] {
  if (batch.baseTimestamp !== batch.maxTimestamp) {
    const records = decodeBatch(batch)
    if (!isFailure(records)) return records.map(({ timestamp }) => timestamp)
  }
  return Array.from({ length: countOf(batch) }, () => batch.maxTimestamp)
}
