// POST /v1/transactions: read, process and write in one request. Records of several topics and a group's offsets count all
// together or not at all. How that is done is transact.ts.

import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Context } from 'hono'
import { type App, type AppEnv, route } from './app.ts'
import { drain, readBody } from './body.ts'
import { idempotencyKeyHeader, idempotencyKeyOf } from './idempotency-key.ts'
import { isMalformed } from './malformed.ts'
import { mediaType } from './media.ts'
import { formatParams, nothing } from './parameters.ts'
import { malformedProblem, problem, unsupportedMedia } from './problem.ts'
import { parseTransaction, transactedSchema, transactionSchema } from './transaction-body.ts'
import { transactedAnswer } from './transacted.ts'
import { type NotTransacted, partitionsOf, transact } from './transact.ts'

const query = z.object(formatParams)
type Query = z.output<typeof query>

export function mountTransactions(app: App): void {
  route(
    app,
    {
      method: 'post',
      path: '/v1/transactions',
      tag: 'Transactions',
      summary: 'Write records and commit offsets, all or nothing',
      description:
        'Records of any topics become visible to readers of what is committed (`isolation=read_committed`) together, and with ' +
        'them the offsets of the group they were made from: read, process and write, exactly once, in one request. If anything ' +
        'fails, everything is aborted; the problem says which `part` it was (`records`, `offsets`, `transaction`), and as `outcome` ' +
        'whether it is `aborted` for sure or, where the end had no answer, `unknown`. A request that breaks off is aborted after `timeoutMs`.\n\n' +
        'With an `Idempotency-Key`, asking again is safe: a transaction that was committed under it is answered again, and one ' +
        'that was not is made anew, even while the first request still runs, which is aborted then.',
      params: nothing,
      query,
      headers: idempotencyKeyHeader(
        'Makes a repeated request safe for 15 minutes, of the same `transactionalId` for the last five.',
      ),
      body: { 'application/json': { schema: transactionSchema } },
      answers: {
        200: {
          description: 'The transaction is committed.',
          content: { 'application/json': { schema: transactedSchema } },
        },
      },
    },
    async (c, { query }) => {
      const answer = await answerTo(c, query)
      if (!answer.ok) await drain(c.req.raw)
      return answer
    },
  )
}

async function answerTo(c: Context<AppEnv>, formats: Query): Promise<Response> {
  if (mediaType(c.req.header('content-type') ?? null) !== 'application/json')
    return unsupportedMedia('Send application/json.', { 'accept-post': 'application/json' })
  const idempotencyKey = idempotencyKeyOf(c)
  if (idempotencyKey instanceof Response) return idempotencyKey
  const bytes = await readBody(c.req.raw)
  if (bytes instanceof Response) return bytes
  const nowMs = Date.now()
  const body = parseTransaction(bytes, { ...formats, now: nowMs })
  if (isMalformed(body)) return malformedProblem(body)
  const key = idempotencyKey && digestOf(idempotencyKey)
  const digest = key === undefined ? '' : digestOf(bytes, `${formats.format}/${formats.keyFormat}`)

  const sticky = key ?? crypto.randomUUID()
  const work = transact(c.var.broker, { body, nowMs, digest, key, sticky })
  // Whoever asked may go away; what was begun is ended all the same.
  c.var.broker.background(work)
  const done = await work
  if ('error' in done) return refused(done)
  const { transacted } = done
  if (transacted.digest !== digest)
    return problem(OTHER_REQUEST, { status: 422, members: { field: 'Idempotency-Key' } })
  // Records without a timestamp had that of the first request.
  const first = transacted.nowMs === nowMs ? body : parseTransaction(bytes, { ...formats, now: transacted.nowMs })
  if (isMalformed(first)) return malformedProblem(first)
  const partitions = partitionsOf(first, topic => transacted.topics.get(topic)!.partitions, sticky)
  return transactedAnswer(first, partitions, transacted)
}

const OTHER_REQUEST = {
  error: 'INVALID_REQUEST',
  message: 'Another transaction was committed under this Idempotency-Key.',
} as const

const refused = ({ error, message, part, outcome, field, members }: NotTransacted): Response =>
  problem({ error, message }, { members: { part, outcome, ...(field === undefined ? {} : { field }), ...members } })

const digestOf = (bytes: string | Uint8Array, format = ''): string =>
  format + createHash('sha256').update(bytes).digest('base64url')
