// What groups and their offsets look like in JSON: asked, checked and shown in /openapi.json.

import * as z from 'zod'
import { MAX_PARTITIONS_PER_TOPIC } from '../cluster/topics.ts'
import { unknownMembers } from './json-body.ts'
import { timeOf, durationMs } from './times.ts'

/** Entries in one request; a topic named whole counts its partitions, too. */
export const MAX_OFFSETS = 10_000
/** What Kafka's protocol can name. */
const MAX_GROUP_ID_BYTES = 32_767

const A_PARTITION = `must be an integer from 0 to ${MAX_PARTITIONS_PER_TOPIC - 1}`
const partition = z
  .int(A_PARTITION)
  .min(0, A_PARTITION)
  .max(MAX_PARTITIONS_PER_TOPIC - 1, A_PARTITION)
const AN_OFFSET = 'must be an integer from 0 to 9007199254740991'
const offset = z.int(AN_OFFSET).min(0, AN_OFFSET)
const topic = z.string('must be a string')

/** One to MAX_OFFSETS of something. */
function some<T extends z.ZodType>(entry: T) {
  const sentence = `must be a list of 1 to ${MAX_OFFSETS} entries`
  return z.array(entry, sentence).min(1, sentence).max(MAX_OFFSETS, sentence)
}

const isId = (groupId: string): boolean => new TextEncoder().encode(groupId).length <= MAX_GROUP_ID_BYTES
const A_GROUP = `must have 1 to ${MAX_GROUP_ID_BYTES} bytes`
/** In a body. */
export const groupName = z.string('must be a string').min(1, A_GROUP).refine(isId, A_GROUP)
export const groupParam = z
  .string()
  .refine(isId, `must have ${MAX_GROUP_ID_BYTES} bytes at most`)
  .meta({ description: "The group's id.", example: 'readers' })

/** `Stable,Empty`: as kafka-consumer-groups.sh takes them, in any case. */
export function names(known: readonly string[], description: string) {
  const spelled = new Map(known.map(name => [name.toLowerCase(), name]))
  return z
    .string()
    .transform(text => text.split(',').map(name => spelled.get(name.trim().toLowerCase())))
    .refine(found => !found.includes(undefined), `must be one or several, separated by commas, of ${known.join(', ')}`)
    .meta({ type: 'string', description })
}

export const listedGroupsSchema = z
  .object({
    groups: z.array(
      z.object({
        group: z.string(),
        state: z.string(),
        type: z.enum(['classic', 'consumer']),
        protocolType: z.string(),
      }),
    ),
    next: z.string().optional().meta({ description: 'There are more: ask again with this as `after`.' }),
  })
  .meta({ id: 'Groups' })

const offsetSchema = z
  .object({
    topic: z.string(),
    partition: z.int(),
    offset: z.int().nullable().meta({ description: 'Committed: the next one to read. Null: none is.' }),
    metadata: z.string().nullable(),
    endOffset: z.int().nullable().meta({ description: 'One past the last record there is. Null: not known.' }),
    lag: z.int().nullable().meta({ description: 'Records from the one to the other.' }),
  })
  .meta({ id: 'GroupOffset' })

const lags = {
  offsets: z.array(offsetSchema).meta({
    description: 'Partitions that have a committed offset, or that a member has.',
  }),
  totalLag: z.int().meta({ description: 'The sum of the lags that are known.' }),
}
export const offsetsSchema = z.object(lags).meta({ id: 'GroupOffsets' })

const assignedSchema = z.object({ topic: z.string(), partitions: z.array(z.int()) })
export const groupSchema = z
  .object({
    group: z.string(),
    state: z.string().meta({ example: 'Stable' }),
    type: z.enum(['classic', 'consumer']),
    protocolType: z.string(),
    protocol: z.string().meta({ description: 'The assignor.', example: 'range' }),
    members: z.array(
      z.object({
        memberId: z.string(),
        groupInstanceId: z.string().nullable(),
        clientId: z.string(),
        clientHost: z.string(),
        assignment: z.array(assignedSchema),
      }),
    ),
    ...lags,
  })
  .meta({ id: 'Group' })

/** Offsets to commit. */
export const newOffsets = some(
  z.strictObject(
    {
      topic,
      partition,
      offset,
      metadata: z.string('must be a string or null').nullable().optional(),
    },
    unknownMembers('topic, partition, offset, metadata'),
  ),
)

export const newOffsetsSchema = z
  .strictObject({ offsets: newOffsets }, unknownMembers('offsets'))
  .meta({ id: 'NewGroupOffsets', example: { offsets: [{ topic: 'orders', partition: 0, offset: 42 }] } })

export const namedOffsetsSchema = z
  .strictObject(
    { offsets: some(z.strictObject({ topic, partition }, unknownMembers('topic, partition'))) },
    unknownMembers('offsets'),
  )
  .meta({ id: 'NamedGroupOffsets', example: { offsets: [{ topic: 'orders', partition: 0 }] } })

const SHIFT = 'must be an integer from -9007199254740991 to 9007199254740991'
const A_TIME = 'must be ms since 1970 or an ISO 8601 time such as "2025-06-01T12:00:00Z"'
const A_DURATION = 'must be an ISO 8601 duration such as "PT1H" or "P2DT30M"'
const target = z
  .union(
    [
      z.enum(['earliest', 'latest']),
      z.strictObject({ offset }),
      z.strictObject({
        timestamp: z.union([z.int().min(0), z.string().refine(text => timeOf(text) !== undefined, A_TIME)], A_TIME),
      }),
      z.strictObject({
        duration: z.string(A_DURATION).refine(text => durationMs(text) !== undefined, A_DURATION),
      }),
      z.strictObject({ shiftBy: z.int(SHIFT) }),
    ],
    'must be "earliest", "latest", {"offset":N}, {"timestamp":ms or ISO 8601}, {"duration":"PT1H"} or {"shiftBy":N}',
  )
  .meta({
    id: 'ResetTarget',
    description:
      'Times and durations (so long ago) find the first record of that time or later, or the end where there is none. Offsets that the partition does not hold become its first or its end.',
    example: { duration: 'PT1H' },
  })
export type Target = z.output<typeof target>

const A_TOPIC = 'must be a topic\'s name or {"topic":…,"partitions":[…]}'
export const resetSchema = z
  .strictObject(
    {
      to: target,
      topics: some(z.union([z.string(), z.strictObject({ topic, partitions: some(partition).optional() })], A_TOPIC))
        .optional()
        .meta({ description: 'Left out: every partition that has a committed offset.' }),
      dryRun: z.boolean('must be true or false').default(false).meta({ description: 'Tells, and commits nothing.' }),
    },
    unknownMembers('to, topics, dryRun'),
  )
  .meta({ id: 'OffsetsReset', example: { to: 'earliest', topics: ['orders'], dryRun: true } })
export type Reset = z.output<typeof resetSchema>

export const resetDoneSchema = z
  .object({
    dryRun: z.boolean(),
    offsets: z.array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        from: z.int().nullable().meta({ description: 'What was committed.' }),
        to: z.int(),
      }),
    ),
  })
  .meta({ id: 'OffsetsResetDone' })
