// What a live consumer may ask for with `?group=`, and what of its query makes no sense then.

import * as z from 'zod'
import { groupParam } from '../group-schemas.ts'
import { integer, oneOf } from '../parameters.ts'
import { badRequest } from '../problem.ts'
import type { GroupAsked } from './group.ts'
import type { Asked } from './start.ts'

/** Kafka's session.timeout.ms of consumers. */
const DEFAULT_SESSION_MS = 45_000
const MAX_SESSION_MS = 1_800_000
const MAX_INSTANCE_ID_CHARS = 249

export const groupQuery = {
  group: groupParam.min(1, 'must name a group').optional().meta({
    example: 'readers',
    description:
      'Join this group: its members, those of Kafka too, share the partitions, and its committed offsets say where each begins. Where nothing is committed, `offset` says it: earliest or latest.',
  }),
  groupProtocol: oneOf(
    ['classic', 'consumer'],
    'How to be a member: as in Kafka before 4, or by KIP-848. As the group is, if nothing is said; classic if there is none.',
  ).optional(),
  instanceId: z
    .string('must be a string')
    .min(1, `must have 1 to ${MAX_INSTANCE_ID_CHARS} characters`)
    .max(MAX_INSTANCE_ID_CHARS, `must have 1 to ${MAX_INSTANCE_ID_CHARS} characters`)
    .optional()
    .meta({
      description:
        "Be a static member (Kafka's group.instance.id): partitions wait for who comes back within the session's time.",
    }),
  sessionTimeoutMs: integer({
    min: 1,
    max: MAX_SESSION_MS,
    preset: DEFAULT_SESSION_MS,
    description:
      'After so much silence a member is taken for dead. In a group of the consumer protocol the broker has its own time for members; this is then how long a socket may be silent.',
  }).optional(),
  autoCommit: oneOf(
    ['true', 'false'],
    'Commit every 5 seconds, before partitions go to others, and at the end, as far as the reader is done: true if nothing is said.',
  ).optional(),
}

type GroupQuery = { readonly [K in keyof typeof groupQuery]?: z.output<(typeof groupQuery)[K]> }

const MEMBERS_ONLY = ['groupProtocol', 'instanceId', 'sessionTimeoutMs', 'autoCommit'] as const

/** Undefined: there is no group in it. A Response says why it makes no sense. */
export function groupOf(query: GroupQuery, asked: Asked): GroupAsked | Response | undefined {
  const { group, groupProtocol: protocol, instanceId = null, sessionTimeoutMs = DEFAULT_SESSION_MS, autoCommit } = query
  if (group === undefined) {
    const field = MEMBERS_ONLY.find(name => query[name] !== undefined)
    return field && badRequest(`In the query, ${field} is for members of a group: name one with group.`, { field })
  }
  const cannot = (field: string, why: string) =>
    badRequest(`In the query, ${field} cannot stand beside group: ${why}.`, { field })
  if (asked.resume !== undefined) return cannot('resume', 'the group keeps the offsets')
  if (asked.partitions !== undefined) return cannot('partitions', 'the group assigns them')
  const { begin } = asked
  if (begin.from === 'time')
    return cannot('timestamp', 'where nothing is committed, a member begins at offset=earliest or latest')
  if (begin.from === 'offset')
    return cannot('offset', 'where nothing is committed, a member begins at earliest or latest')
  return {
    groupId: group,
    protocol,
    instanceId,
    sessionTimeoutMs,
    autoCommit: autoCommit !== 'false',
    reset: begin.from,
  }
}
