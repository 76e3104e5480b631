// Request bodies within bounds: whole ones up to a limit, streams in chunks; gzip and deflate are opened on the way.

import { failure } from '../protocol/errors.ts'
import { problem, unsupportedMedia } from './problem.ts'

/** A body that is read whole. */
export const MAX_BODY_BYTES = 32 * 1_048_576
/** What is read of a refused body and thrown away, so that its sender gets to see the answer. */
const MAX_DRAIN_BYTES = 128 * 1_048_576
const MAX_DRAIN_MS = 2_000

/** The bytes of the body, or the answer that refuses it. */
export async function readBody(request: Request, maxBytes = MAX_BODY_BYTES): Promise<Uint8Array | Response> {
  const said = request.headers.get('content-length')
  if (said !== null && Number(said) > maxBytes) return tooLarge(maxBytes)
  if (said !== null && !request.headers.has('content-encoding'))
    return new Uint8Array(await request.arrayBuffer().catch(lost))
  const stream = openBody(request)
  if (stream instanceof Response) return stream
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of chunksOf(stream)) {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      else if (size > maxBytes + MAX_DRAIN_BYTES) break
    }
  } catch (error) {
    if (error instanceof NotOpened) return unsupportedMedia(`${error.message}.`)
    throw error
  }
  if (size > maxBytes) return tooLarge(maxBytes)
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** The body as a stream, opened if it was compressed; empty if there is none. */
export function openBody(request: Request): ReadableStream<Uint8Array> | Response {
  const body = request.body ?? new ReadableStream({ start: controller => controller.close() })
  const coding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase()
  if (coding === 'identity') return body
  if (coding !== 'gzip' && coding !== 'deflate')
    return unsupportedMedia(`A body may be gzip or deflate, not ${coding}.`, { 'accept-encoding': 'gzip, deflate' })
  return body.pipeThrough(new DecompressionStream(coding) as TransformStream<Uint8Array, Uint8Array>)
}

/** The body is not what its Content-Encoding says. */
export class NotOpened extends Error {}

/** Whoever sent the body went away before its end. */
export class BodyLost extends Error {}

const lost = (error: unknown): never => {
  throw new BodyLost('The body ended too early.', { cause: error })
}

/** The chunks of a stream; left early, the rest of it can still be read. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (error) {
    if (error instanceof TypeError && /compress/i.test(error.message))
      throw new NotOpened('The body is not what its Content-Encoding says')
    lost(error)
  } finally {
    reader.releaseLock()
  }
}

/** Reads and forgets what is left of a body that was refused, within bounds. */
export async function drain({ body }: Request): Promise<void> {
  if (body === null || body.locked) return
  const reader = body.getReader()
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), MAX_DRAIN_MS)
  try {
    for (let left = MAX_DRAIN_BYTES; left > 0;) {
      const { done, value } = await reader.read()
      if (done) break
      left -= value.length
    }
  } catch {
    // Whoever sent it is gone; nobody waits for the answer either.
  } finally {
    clearTimeout(timer)
    reader.releaseLock()
  }
}

function tooLarge(maxBytes: number): Response {
  return problem(
    failure(
      'RECORD_LIST_TOO_LARGE',
      `A body may have ${maxBytes} bytes. Send several, or application/x-ndjson, which may be any length.`,
    ),
  )
}
