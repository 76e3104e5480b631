// /consumers: instances that read for clients which cannot be consumers themselves. An instance is an object of its own
// (rest/consumer); here requests are checked and brought to it.

import type { Context } from 'hono'
import type { Rpc } from '../../../objects/place.ts'
import type { App, AppEnv } from '../../app.ts'
import type { ConsumerReplies, ConsumerRequest, RestConsumerObject } from '../consumer/object.ts'
import type { Seek } from '../consumer/positions.ts'
import { isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import {
  offsetsBody,
  partitionsBody,
  positionsBody,
  readJson,
  readNewConsumer,
  requireJson,
  subscriptionBody,
} from './consumer-bodies.ts'
import { wantedFormat, V2_JSON } from './media.ts'
import { type Found, answered, route } from './route.ts'

const INSTANCE = '/consumers/:group/instances/:instance'

export function mountConsumers(app: App): void {
  route(app, 'POST', '/consumers/:group', create)
  route(app, 'DELETE', INSTANCE, async c => (await instance(c).remove()) ?? noContent())
  mountReading(app)
  mountSubscription(app)
  mountOffsets(app)
}

/** The object that an instance is. */
function stub(
  c: Context<AppEnv>,
  group: string,
  name: string,
): Rpc<Pick<RestConsumerObject, 'create' | 'remove' | 'ask'>> {
  c.var.broker.calls++
  return c.env.REST_CONSUMER.getByName(JSON.stringify([group, name])) as unknown as ReturnType<typeof stub>
}

const instance = (c: Context<AppEnv>) => stub(c, c.req.param('group')!, c.req.param('instance')!)

const ask = <R extends ConsumerRequest>(c: Context<AppEnv>, request: R) =>
  instance(c).ask(request) as Promise<ConsumerReplies[R['type']] | RestFailure>

/** Done, with nothing to say. */
const done = async (answer: Promise<null | RestFailure>): Promise<Found> => (await answer) ?? noContent()

const noContent = (): Response => new Response(null, { status: 204 })

async function create(c: Context<AppEnv>): Promise<Found> {
  const group = c.req.param('group')!
  const made = await readNewConsumer(c.req.raw, group)
  if (isRestFailure(made)) return made
  const failed = await stub(c, group, made.name).create(made)
  if (failed !== null) return failed
  const path = ['consumers', group, 'instances', made.name].map(encodeURIComponent).join('/')
  return { instance_id: made.name, base_uri: `${new URL(c.req.url).origin}/${path}` }
}

function mountReading(app: App): void {
  // Not route(): what is accepted decides here, and an unknown instance is told before that.
  for (const path of [`${INSTANCE}/records`, `${INSTANCE}/records/`]) app.get(path, async c => answered(await read(c)))
}

async function read(c: Context<AppEnv>): Promise<Found> {
  const wanted = wantedFormat(c.req.raw.headers.get('accept'))
  if (isRestFailure(wanted)) return wanted
  const timeoutMs = integer(c.req.query('timeout'))
  const maxBytes = integer(c.req.query('max_bytes'))
  if (timeoutMs === null || maxBytes === null) return restFailure(404, 'HTTP 404 Not Found')
  const records = await ask(c, {
    type: 'poll',
    formats: wanted.formats,
    ...(timeoutMs > 0 && { timeoutMs }),
    ...(maxBytes > 0 && { maxBytes }),
  })
  if (isRestFailure(records)) return records
  return new Response(records as Uint8Array<ArrayBuffer>, { headers: { 'content-type': wanted.media } })
}

/** Null: the text is none. As JAX-RS has it, such a resource does not exist. */
const integer = (text = '-1'): number | null => (/^-?\d{1,15}$/.test(text) ? Number(text) : null)

function mountSubscription(app: App): void {
  const subscription = `${INSTANCE}/subscription`
  route(app, 'POST', subscription, async c => {
    const asked = await requireJson(c.req.raw, subscriptionBody)
    if (isRestFailure(asked)) return asked
    const { topics, topic_pattern: pattern } = asked
    // The proxy: topics go before a pattern, and neither changes nothing.
    if (topics != null) {
      if (topics.length === 0) return done(ask(c, { type: 'unsubscribe' }))
      return done(ask(c, { type: 'subscribe', reads: { from: 'topics', topics: [...new Set(topics)] } }))
    }
    if (pattern == null) return noContent()
    return done(ask(c, { type: 'subscribe', reads: { from: 'pattern', pattern } }))
  })
  route(app, 'GET', subscription, c => ask(c, { type: 'subscription' }))
  route(app, 'DELETE', subscription, c => done(ask(c, { type: 'unsubscribe' })))
  const assignments = `${INSTANCE}/assignments`
  route(app, 'POST', assignments, async c => {
    const asked = await requireJson(c.req.raw, partitionsBody)
    return isRestFailure(asked) ? asked : done(ask(c, { type: 'assign', partitions: asked.partitions }))
  })
  route(app, 'GET', assignments, c => ask(c, { type: 'assignment' }))
}

function mountOffsets(app: App): void {
  const offsets = `${INSTANCE}/offsets`
  route(app, 'POST', offsets, async c => {
    const asked = await readJson(c.req.raw, offsetsBody)
    if (isRestFailure(asked)) return asked
    const failed = await ask(c, {
      type: 'commit',
      // The proxy is told of what was read last; what is committed is what comes next.
      offsets: asked?.offsets?.map(({ offset, metadata, ...place }) => ({
        ...place,
        offset: offset + 1,
        metadata: metadata ?? null,
      })),
    })
    return failed ?? []
  })
  route(app, 'GET', offsets, async c => {
    const asked = await readJson(await withQuery(c), partitionsBody)
    if (isRestFailure(asked)) return asked
    return asked === undefined ? restFailure(40402, 'Partition not found.') : ask(c, { type: 'committed', ...asked })
  })
  const seek = (path: string, to: 'beginning' | 'end') =>
    route(app, 'POST', path, async c => {
      const asked = await requireJson(c.req.raw, partitionsBody)
      if (isRestFailure(asked)) return asked
      return done(ask(c, { type: 'seek', seeks: asked.partitions.map(place => ({ ...place, to })) }))
    })
  seek(`${INSTANCE}/positions/beginning`, 'beginning')
  seek(`${INSTANCE}/positions/end`, 'end')
  route(app, 'POST', `${INSTANCE}/positions`, async c => {
    const asked = await requireJson(c.req.raw, positionsBody)
    if (isRestFailure(asked)) return asked
    const seeks: Seek[] = [
      ...(asked.offsets ?? []).map(({ topic, partition, offset }) => ({ topic, partition, to: offset })),
      ...(asked.timestamps ?? []).map(({ topic, partition, timestamp }) => ({
        topic,
        partition,
        to: { timestamp: timestamp! },
      })),
    ]
    return done(ask(c, { type: 'seek', seeks }))
  })
}

/** Many clients cannot send a body with GET: the same JSON in the query, as `partitions`, says it, too. */
async function withQuery(c: Context<AppEnv>): Promise<Request> {
  const partitions = c.req.query('partitions')
  if (partitions === undefined) return c.req.raw
  return new Request(c.req.url, {
    method: 'POST',
    headers: { 'content-type': V2_JSON },
    body: `{"partitions":${partitions}}`,
  })
}
