// The Idempotency-Key header: a request that comes again under the same key is answered as it was before.

import * as z from 'zod'
import type { Context } from 'hono'
import type { AppEnv } from './app.ts'
import { badRequest } from './problem.ts'

const MAX_IDEMPOTENCY_KEY = 255

export const idempotencyKeyHeader = (description: string) =>
  z.object({ 'idempotency-key': z.string().max(MAX_IDEMPOTENCY_KEY).optional().meta({ description }) })

/** The key, if the request has one, or the answer that refuses it. */
export function idempotencyKeyOf(c: Context<AppEnv>): string | undefined | Response {
  const key = c.req.header('idempotency-key')
  if (key === undefined || (key.length > 0 && key.length <= MAX_IDEMPOTENCY_KEY)) return key
  return badRequest(`An Idempotency-Key has 1 to ${MAX_IDEMPOTENCY_KEY} characters.`, { field: 'Idempotency-Key' })
}
