// GET /v1/connections: who is connected, through whatever isolate, and what they have done.

import * as z from 'zod'
import { type Activity, connectionKinds, MAX_SHOWN, type Shown } from '../cluster/connections.ts'
import { isFailure } from '../protocol/errors.ts'
import { type App, route } from './app.ts'
import type { Topics } from './broker.ts'
import { integer, nothing, oneOf } from './parameters.ts'
import { problem } from './problem.ts'

const known = (schema: z.ZodType, description?: string) =>
  description === undefined ? schema.nullable() : schema.nullable().meta({ description })

const connectionSchema = z
  .object({
    connectionId: z.string().meta({ description: 'Of WebSockets and event streams, the request id that opened it.' }),
    kind: z.enum(connectionKinds),
    openedMs: z.int(),
    remoteAddress: known(z.string(), 'Of the client, where it is known.'),
    userAgent: known(z.string(), 'Of HTTP clients.'),
    clientId: known(z.string(), "Of Kafka's clients."),
    clientSoftwareName: known(z.string(), "What Kafka's clients call themselves with ApiVersions."),
    clientSoftwareVersion: known(z.string()),
    group: known(z.string(), 'The group it is a member of, or commits for.'),
    transactionalId: known(z.string()),
    topics: z.array(z.string()).meta({ description: 'The topics it reads, 20 at most.' }),
    partitions: known(z.int(), 'How many partitions it reads.'),
    requests: known(z.int(), 'Frames, of live WebSockets.'),
    lastRequest: known(z.string(), "Kafka's name of its last request."),
    lastMs: known(z.int(), 'When it last asked or, of live consumers, was last told something.'),
    bytesIn: known(z.int(), 'From the client; of live consumers, characters.'),
    bytesOut: known(z.int(), 'To the client; of live consumers, characters.'),
  })
  .meta({ id: 'Connection' })

const listedSchema = z
  .object({
    counts: z
      .object(Object.fromEntries(connectionKinds.map(kind => [kind, z.int()])))
      .meta({ description: 'How many there are of each kind.' }),
    connections: z.array(connectionSchema),
  })
  .meta({ id: 'Connections' })

export function mountConnections(app: App): void {
  route(
    app,
    {
      method: 'get',
      path: '/v1/connections',
      tag: 'Cluster',
      summary: 'Look at who is connected',
      description:
        'Kafka connections (`kafka` over TCP, `kafka-websocket`) and live consumers (`websocket`, `sse`), through whatever isolate, once they have lasted for a second. The oldest first; `counts` has them all, also those beyond `limit`. What they did is asked of them: of one that does not answer within a second it is null.',
      params: nothing,
      query: z.object({
        kind: oneOf(connectionKinds, 'Those of this kind only.').optional(),
        limit: integer({
          min: 1,
          max: MAX_SHOWN,
          preset: MAX_SHOWN,
          description: 'So many at most: each of them is asked.',
        }).optional(),
      }),
      answers: {
        200: { description: 'The connections.', content: { 'application/json': { schema: listedSchema } } },
      },
    },
    async (c, { query: { kind, limit = MAX_SHOWN } }) => {
      const { broker } = c.var
      const listed = await broker.connections.list(kind, limit)
      if (isFailure(listed)) return problem(listed)
      const topics = await broker.topics()
      return c.json({ counts: listed.counts, connections: listed.connections.map(one => shown(one, topics)) })
    },
  )
}

const UNANSWERED: { readonly [K in keyof Activity]: K extends 'topics' ? readonly string[] : null } = {
  clientId: null,
  clientSoftwareName: null,
  clientSoftwareVersion: null,
  group: null,
  transactionalId: null,
  topics: [],
  partitions: null,
  requests: null,
  lastRequest: null,
  lastMs: null,
  bytesIn: null,
  bytesOut: null,
}

/** Clients of Fetch 13 and later know topics by their ids alone. */
function shown({ activity, ...announced }: Shown, { byId }: Topics) {
  const { topics, ...rest } = activity ?? UNANSWERED
  return { ...announced, ...rest, topics: topics.map(topic => byId.get(topic)?.name ?? topic) }
}
