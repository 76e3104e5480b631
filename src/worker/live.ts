// Live consumers: GET …/records as server-sent events, and …/live as a WebSocket. Here is what can be asked for; both doors
// are thin, and what they share is live/session.ts.

import * as z from 'zod'
import type { Context } from 'hono'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { type App, type AppEnv, route } from './app.ts'
import { announcedBy } from './connections.ts'
import { crossOrigin } from './cors.ts'
import { readClientFrame } from './live/client-frames.ts'
import { LiveConnection } from './live/connection.ts'
import { type GroupAsked, type GroupDoor, LiveGroup, MAX_UNCONFIRMED } from './live/group.ts'
import { groupOf, groupQuery } from './live/group-query.ts'
import { LiveCommitter } from './live/commit.ts'
import { LiveProducer } from './live/produce.ts'
import { FIRST_CREDIT, LiveSocket } from './live/socket.ts'
import { EVENT_HEADERS, EVENT_STREAM, EventStream, farewell } from './live/sse.ts'
import { type Asked, type Begin, startOf } from './live/start.ts'
import { integer, isolationParam, schemaFormatParams, topicParam } from './parameters.ts'
import { badRequest, problem } from './problem.ts'
import { MAX_PARTITION } from './records-in.ts'
import { readFormat } from './registry/decoding.ts'
import { decodeResume, MAX_LIVE_PARTITIONS, MAX_LIVE_TOPICS, MAX_TOKEN_LENGTH, type NextOffsets } from './resume.ts'
import { fetchedRecordSchema } from './schemas.ts'
import { asksForSocket } from './upgrade.ts'

/** Credit that may be given in a query. */
const MAX_FIRST_CREDIT = 1_000_000

const OFFSET = 'must be earliest, latest, an offset, or -N for N before the end'
const PARTITIONS = `must be partition numbers separated by commas, ${MAX_LIVE_PARTITIONS} at most`

const query = z.object({
  offset: z
    .string(OFFSET)
    .regex(/^(earliest|latest|-?\d{1,16})$/, OFFSET)
    .transform((text): Begin =>
      text === 'earliest' || text === 'latest' ? { from: text } : { from: 'offset', offset: Number(text) },
    )
    .refine(begin => begin.from !== 'offset' || Number.isSafeInteger(begin.offset), OFFSET)
    .optional()
    .meta({
      type: 'string',
      description:
        'Where each partition begins: latest (if nothing is said), earliest, an offset, or -N: N before the end.',
    }),
  timestamp: integer({
    description: 'Where to begin instead: the first record of this time (ms since 1970) or later.',
  }).optional(),
  partitions: z
    .string(PARTITIONS)
    .regex(/^(\d{1,10}(,\d{1,10})*)?$/, PARTITIONS)
    .transform(text => (text === '' ? [] : [...new Set(text.split(',').map(Number))]))
    .refine(
      list => list.length <= MAX_LIVE_PARTITIONS && list.every(partition => partition <= MAX_PARTITION),
      PARTITIONS,
    )
    .optional()
    .meta({
      type: 'string',
      example: '0,2',
      description:
        'All of them if left out, those too that are added later. None if empty: for sockets that only produce.',
    }),
  resume: z
    .string('must be a resume token')
    .max(MAX_TOKEN_LENGTH, 'must be a resume token')
    .optional()
    .meta({ description: 'The last token a live consumer got. It goes on exactly there, whatever offset says.' }),
  isolation: isolationParam,
  ...groupQuery,
  ...schemaFormatParams,
})

const credit = integer({
  max: MAX_FIRST_CREDIT,
  preset: FIRST_CREDIT,
  description: 'Records the server may send before it gets a credit frame.',
}).optional()

const TOPICS = `must be topic names separated by commas, ${MAX_LIVE_TOPICS} at most`
const topics = z
  .string(TOPICS)
  .transform(text => [...new Set(text.split(',').filter(name => name !== ''))])
  .refine(list => list.length > 0 && list.length <= MAX_LIVE_TOPICS, TOPICS)
  .meta({ type: 'string', example: 'orders,payments', description: 'The topics to read, separated by commas.' })

type Query = z.output<typeof query> & { readonly credit?: number | undefined }

const ABOUT_EVENTS =
  'One event a record: `data` is the record as JSON, `id` the resume token after it, so an EventSource that is cut goes on ' +
  'by itself (`Last-Event-ID`). An `error` event says why a stream ends that cannot go on, such as OFFSET_OUT_OF_RANGE ' +
  'with the `logStartOffset` of its `partition`, to whoever comes again with `Last-Event-ID` too.'

const ABOUT_MEMBERS =
  '\n\nWith `group` it is a member of that group, and there are no tokens: partitions are shared among the members, Kafka ' +
  'clients among them, and committed offsets say where each begins. '

const ABOUT_EVENT_MEMBERS =
  'The events `assigned` and `revoked` say which `partitions` it reads, and from or up to which `offset`. A stream confirms ' +
  'nothing, so what its other end took two seconds ago counts as read and is committed: a reader that must not lose a ' +
  'record when it dies takes a WebSocket.'

const ABOUT_SOCKET_MEMBERS =
  '`{"type":"assigned","partitions":[{"topic","partition","offset"}…]}` and `{"type":"revoked",…}` say which partitions ' +
  'it reads, and from or up to which offset. A credit frame of N says that it is done with the N oldest records it was ' +
  'sent and has not confirmed; so far offsets are committed, and what was sent beyond comes again, here or to another ' +
  'member. Of what is revoked it has up to ten seconds to be done, unless the frame says `"lost":true`, or says itself that it is: ' +
  '`{"type":"revoked"}`. `{"type":"commit","id":…,"offsets":[{"topic","partition","offset","metadata"}…]}` commits, ' +
  'answered by `{"type":"committed","id":…}`, with an `error` if it is refused. `{"type":"leave"}` ends in peace: nothing ' +
  'more is sent, and once the client is done or ten seconds are over, the socket closes with code 1000. A member that ' +
  'says nothing for `sessionTimeoutMs`, and answers no ping with `{"type":"pong"}`, is taken for dead.'

const ABOUT_SOCKETS =
  'The server sends `{"type":"records","records":[…],"resume":"…"}`, at once and without records to say where it begins; ' +
  '`{"type":"ping"}` when there was nothing to say for a while, or with `credit` when it waits for the client; and, before ' +
  'it closes with code 4000 + errorCode, `{"type":"error","code","errorCode","retriable","message",…}`. Code 1012 means: ' +
  'come again with the last token.\n\n' +
  `The client sends \`{"type":"credit","records":N}\`: it takes N records more (${FIRST_CREDIT} to begin with). Without ` +
  'credit nothing more is sent, and no more than 16 MiB before it gives some again or answers a ping with ' +
  '`{"type":"pong"}`; after five minutes of neither, code 1012. `{"type":"produce","id":…,"records":[…],"topic":"…"}` ' +
  'produces records as POST does, answered in order by `{"type":"ack","id":…,"records":[…]}` or with an `error` instead.\n\n' +
  'Where no header can be sent with a WebSocket, as in browsers, the token goes along as a subprotocol: `edgelog`, which is ' +
  'what is spoken, and beside it `bearer.` and the token in base64url.'

export function mountLive(app: App): void {
  const shared = { method: 'get', tag: 'Live' } as const
  const events = {
    200: {
      description: 'Events, as long as the client stays.',
      content: { [EVENT_STREAM]: { schema: fetchedRecordSchema } },
    },
  }
  const upgraded = { 101: { description: 'The socket is open.' } }
  const params = z.object({ topic: topicParam })
  const headers = z.object({
    'last-event-id': z.string().optional().meta({ description: 'As `resume`; an EventSource sends it by itself.' }),
  })

  route(
    app,
    {
      ...shared,
      path: '/v1/topics/{topic}/records',
      summary: 'Follow a topic as server-sent events',
      description: `Send \`Accept: ${EVENT_STREAM}\`. ${ABOUT_EVENTS}${ABOUT_MEMBERS}${ABOUT_EVENT_MEMBERS}`,
      params,
      query,
      headers,
      answers: events,
    },
    (c, { params: { topic }, query }) => {
      if (wantsEvents(c)) return follow(c, [topic], query)
      const { pathname } = new URL(c.req.url)
      return problem(
        failure(
          'INVALID_REQUEST',
          `A topic is read live, with Accept: ${EVENT_STREAM}; at your own pace it is read by partition, at ${pathname.replace(/records$/, 'partitions/0/records')}.`,
        ),
        { status: 406 },
      )
    },
  )
  route(
    app,
    {
      ...shared,
      path: '/v1/topics/{topic}/live',
      summary: 'Follow a topic over a WebSocket, and produce',
      description: ABOUT_SOCKETS + ABOUT_MEMBERS + ABOUT_SOCKET_MEMBERS,
      params,
      query: query.extend({ credit }),
      answers: upgraded,
    },
    (c, { params: { topic }, query }) =>
      asksForSocket(c.req.raw.headers) ? open(c, [topic], query) : notUpgraded([topic], query),
  )
  route(
    app,
    {
      ...shared,
      path: '/v1/live',
      summary: 'Follow several topics',
      description: `As events with \`Accept: ${EVENT_STREAM}\`, otherwise over a WebSocket. Each record says its \`topic\`.`,
      params: z.object({}),
      query: query.extend({ topics, credit }),
      headers,
      answers: { ...upgraded, ...events },
    },
    (c, { query }) => {
      if (asksForSocket(c.req.raw.headers)) return open(c, query.topics, query, true)
      return wantsEvents(c) ? follow(c, query.topics, query, true) : notUpgraded(query.topics, query)
    },
  )
}

const wantsEvents = (c: Context<AppEnv>): boolean => (c.req.header('accept') ?? '').includes(EVENT_STREAM)

/** A page whose socket was refused asks this way why. */
function notUpgraded(topics: readonly string[], query: Query): Response {
  const asked = askedBy(topics, query, query.resume)
  if (asked instanceof Response) return asked
  return problem(failure('INVALID_REQUEST', 'This is a WebSocket: connect with ws:// or wss://.'), {
    status: 426,
    headers: { upgrade: 'websocket' },
  })
}

interface AskedLive extends Asked {
  readonly group: GroupAsked | undefined
}

/** What a query asks for; a Response says why it makes no sense. */
function askedBy(topics: readonly string[], query: Query, token: string | undefined): AskedLive | Response {
  const { offset, timestamp, partitions, isolation } = query
  if (offset !== undefined && timestamp !== undefined)
    return badRequest('In the query, timestamp cannot stand beside offset.', { field: 'timestamp' })
  let resume: NextOffsets | undefined
  if (token) {
    resume = decodeResume(token)
    if (resume === undefined) return badRequest('That is not a resume token.', { field: 'resume' })
  }
  const begin: Begin = timestamp === undefined ? (offset ?? { from: 'latest' }) : { from: 'time', timestamp }
  const asked = { topics, partitions, begin, resume, isolation }
  const group = groupOf(query, asked)
  return group instanceof Response ? group : { ...asked, group }
}

/** Server-sent events. What is wrong at the start is answered like any request. */
async function follow(c: Context<AppEnv>, topics: readonly string[], query: Query, named = false): Promise<Response> {
  const lastEventId = c.req.header('last-event-id')
  const asked = askedBy(topics, query, lastEventId || query.resume)
  if (asked instanceof Response) return asked
  const refused = asked.group && mayNotWrite(c)
  if (refused) return problem(refused)
  const { broker } = c.var
  const door = new EventStream()
  const group = asked.group && groupFor(c, door, asked, asked.group)
  const announced = announcedBy('sse', c.var.requestId, c.req.raw)
  const left = broker.connections.announce(announced, () => connection.activity)
  const connection = new LiveConnection({
    broker,
    door,
    format: readFormat(broker, query),
    isolation: asked.isolation,
    named,
    whole: group === undefined && asked.partitions === undefined,
    ended: () => {
      left()
      group?.ended()
    },
    ...(group && { group: query.group, sent: group.sent, credit: MAX_UNCONFIRMED }),
  })
  const start = group ? await group.begin(connection, topics) : await startOf(broker, asked)
  if (isFailure(start)) {
    connection.close()
    if (lastEventId && !group) return farewell(start)
    const { error: _, message: __, ...members } = start
    return problem(start, { members })
  }
  void (start === undefined ? group!.run() : connection.read(start))
  return new Response(door.body, { headers: EVENT_HEADERS })
}

/** A WebSocket. A page cannot see why one was not opened, so what is wrong with topics and offsets is told in a frame. */
function open(c: Context<AppEnv>, topics: readonly string[], query: Query, named = false): Response {
  const asked = askedBy(topics, query, query.resume)
  if (asked instanceof Response) return asked
  // Browsers let any page open a socket and send no preflight: what CORS would have refused is refused here.
  const { mayRead } = crossOrigin(c.req.header('origin'), new URL(c.req.url).host, c.env)
  if (!mayRead)
    return problem(failure('CLUSTER_AUTHORIZATION_FAILED', 'Pages of that origin may not read here (EDGELOG_CORS).'))
  const refused = asked.group && mayNotWrite(c)
  if (refused) return problem(refused)
  const { 0: client, 1: socket } = new WebSocketPair()
  void serve(c, socket, asked, { query, named })
  return new Response(null, { status: 101, webSocket: client })
}

async function serve(
  c: Context<AppEnv>,
  socket: WebSocket,
  asked: AskedLive,
  { query, named }: { query: Query; named: boolean },
): Promise<void> {
  const { broker } = c.var
  const door = new LiveSocket(socket)
  const group = asked.group && groupFor(c, door, asked, asked.group)
  const credit = query.credit ?? FIRST_CREDIT
  const announced = announcedBy('websocket', c.var.requestId, c.req.raw)
  const left = broker.connections.announce(announced, () => connection.activity)
  const connection = new LiveConnection({
    broker,
    door,
    format: readFormat(broker, query),
    isolation: asked.isolation,
    named,
    whole: group === undefined && asked.partitions === undefined,
    ended: () => {
      left()
      group?.ended()
    },
    ...(group ? { group: query.group, sent: group.sent, credit: Math.min(credit, MAX_UNCONFIRMED) } : { credit }),
  })
  const topic = named ? undefined : asked.topics[0]
  const answer = (text: string): void => door.write(text)
  const producer = new LiveProducer({ broker, format: query, topic, refused: mayNotWrite(c), answer })
  const committer = new LiveCommitter({ group, topic, answer })
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('message', ({ data }) => {
    group?.heard()
    door.heard(typeof data === 'string' ? data.length : (data as ArrayBuffer).byteLength)
    const frame = readClientFrame(data as string | ArrayBuffer)
    if (typeof frame === 'string') return connection.fail(failure('INVALID_REQUEST', frame))
    if (frame.type === 'produce') return producer.produce(frame)
    if (frame.type === 'commit') return committer.commit(frame)
    if (frame.type === 'ping') return door.pong()
    if (frame.type === 'credit') (group ?? connection.session).credit(frame.records)
    if (frame.type === 'revoked') group?.release()
    if (frame.type === 'leave') {
      if (group === undefined) door.left()
      else void group.leave()
    }
    door.confirmed()
  })
  socket.accept()
  try {
    const start = group ? await group.begin(connection, asked.topics) : await startOf(broker, asked)
    if (isFailure(start)) connection.fail(start)
    else await (start === undefined ? group!.run() : connection.read(start))
  } catch (error) {
    connection.fail(failure('UNKNOWN_SERVER_ERROR', `The topics could not be read: ${String(error)}`))
  }
}

const groupFor = (c: Context<AppEnv>, door: GroupDoor, { isolation }: Asked, asked: GroupAsked): LiveGroup =>
  new LiveGroup({
    broker: c.var.broker,
    door,
    asked,
    isolation,
    clientHost: `/${c.req.header('cf-connecting-ip') ?? ''}`,
  })

/** Records and offsets are written by pages that CORS allows to. */
function mayNotWrite(c: Context<AppEnv>): Failure | undefined {
  const { mayWrite } = crossOrigin(c.req.header('origin'), new URL(c.req.url).host, c.env)
  return mayWrite
    ? undefined
    : failure('CLUSTER_AUTHORIZATION_FAILED', 'Pages of that origin may not write here (EDGELOG_CORS).')
}
