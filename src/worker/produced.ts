// One request to produce, and its answer: what every kind of body shares.

import type { Accumulator } from './accumulator.ts'
import type { Format } from './formats.ts'
import type { SchemaWriter } from './registry/encoding.ts'
import { problem } from './problem.ts'

/** One request to produce, its parameters checked. */
export interface ProduceRequest {
  readonly topic: string
  /** The partition of all records, where the path names it. */
  readonly partition: number | undefined
  readonly unanswered: boolean
  readonly format: Format
  readonly keyFormat: Format
  readonly key: Uint8Array | null
  /** Makes bytes of keys and values that were read as JSON. */
  readonly schemas?: SchemaWriter | undefined
  readonly idempotencyKey: string | undefined
}

/** acks=0: nobody knows yet what becomes of them. */
export const accepted = (records: number): Response => Response.json({ accepted: records }, { status: 202 })

/** What came of every record: 200, 207 where some failed, and the first one's problem where all did. */
export function answered({ answer }: Accumulator): Response {
  const text = answer.take(',').slice(0, -1)
  if (answer.failed > 0 && answer.succeeded === 0)
    return problem(answer.firstFailure!, { members: { records: JSON.parse(`[${text}]`) } })
  return new Response(`{"records":[${text}]}`, {
    status: answer.failed > 0 ? 207 : 200,
    headers: { 'content-type': 'application/json' },
  })
}
