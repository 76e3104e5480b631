// Groups: what a heartbeat costs in both protocols, how soon a group of 200 members has settled, and 500 groups at once.
// Members come over a connection each and take their part in the group as clients do, without reading a record.

import { Gathering, HEARTBEAT_MS } from '../test/support/gathering.ts'
import type { GroupProtocol } from '../test/support/group-member.ts'
import { load, type LoadOptions } from './load.ts'
import { Processors } from './processors.ts'
import type { Row } from './report.ts'
import { memoryRow } from './start.ts'
import { Target } from './target.ts'

const MEMBERS = 200
const GROUPS = 500
const CONNECTIONS = [1, 32] as const
const SETTLE_WITHIN_MS = 60_000
const NO_DELAY = { EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' }

const NAMES: Readonly<Record<GroupProtocol, string>> = { classic: 'classic', consumer: 'KIP-848' }
const PROTOCOLS = Object.keys(NAMES) as GroupProtocol[]

export async function* groupRows(target: Target, time: Omit<LoadOptions, 'workers'>): AsyncGenerator<Row> {
  for (const protocol of PROTOCOLS)
    for (const workers of CONNECTIONS) yield await heartbeats(target, protocol, { ...time, workers })
  const twice = '; the delay is begun anew while members come, as in Kafka, so 6,000 ms are that'
  yield* largeGroup(target, 'classic', ', group.initial.rebalance.delay.ms 3,000', twice)
  const undelayed = await Target.start(NO_DELAY)
  try {
    yield* largeGroup(undelayed, 'classic', ', group.initial.rebalance.delay.ms 0')
  } finally {
    await undelayed.stop()
  }
  yield* largeGroup(target, 'consumer')
  for (const protocol of PROTOCOLS) yield* manyGroups(target, protocol, time)
}

/** Of the members of one group, each on its connection with one heartbeat on its way. */
async function heartbeats(target: Target, protocol: GroupProtocol, options: LoadOptions): Promise<Row> {
  const { workers } = options
  const group = await gathered(target, protocol, [`beats-${protocol}-${workers}`], workers)
  await group.settled()
  await group.pause()
  const { perSecond, p50Ms, p99Ms } = await load(options, worker => beat(group, worker))
  await group.disperse()
  const connections = workers === 1 ? '1 connection' : `${workers} connections`
  return { what: `heartbeat, ${NAMES[protocol]}, ${connections}`, requestsPerSecond: perSecond, p50Ms, p99Ms }
}

/** From the first request to the last answer that makes the group whole; then one leaves, and then one comes. */
async function* largeGroup(target: Target, protocol: GroupProtocol, how = '', more = ''): AsyncGenerator<Row> {
  const what = `${MEMBERS} members, ${NAMES[protocol]}${how}`
  const group = await gathered(target, protocol, [`large-${protocol}`], MEMBERS)
  const note = `members heartbeat every ${HEARTBEAT_MS} ms${more}`
  yield { what: `${what}: all join`, p50Ms: await group.settled(), note }
  yield { what: `${what}: one leaves`, p50Ms: await group.settled(() => group.leave()) }
  yield { what: `${what}: one joins`, p50Ms: await group.settled(() => group.join()) }
  await group.disperse()
}

async function* manyGroups(
  target: Target,
  protocol: GroupProtocol,
  time: Omit<LoadOptions, 'workers'>,
): AsyncGenerator<Row> {
  const what = `${GROUPS} groups of one member, ${NAMES[protocol]}`
  const ids = Array.from({ length: GROUPS }, (_, i) => `many-${protocol}-${i}`)
  const groups = await gathered(target, protocol, ids, 1)
  const note = protocol === 'classic' ? 'group.initial.rebalance.delay.ms 3,000 is in it' : ''
  yield { what: `${what}: all join`, p50Ms: await groups.settled(), note }
  await groups.pause()
  const processors = new Processors(target)
  const { perSecond, p50Ms, p99Ms } = await load({ ...time, workers: GROUPS }, worker => beat(groups, worker))
  const meanwhile = `${processors.row().note}; memory ${memoryRow('', target).note}`
  await groups.disperse()
  yield { what: `${what}: heartbeats`, requestsPerSecond: perSecond, p50Ms, p99Ms, note: meanwhile }
}

const gathered = (
  { kafka }: Target,
  protocol: GroupProtocol,
  groupIds: readonly string[],
  membersEach: number,
): Promise<Gathering> =>
  Gathering.of({ port: kafka, protocol, groupIds, membersEach, settleWithinMs: SETTLE_WITHIN_MS })

async function beat(group: Gathering, member: number): Promise<void> {
  if (await group.members[member]!.step()) throw new Error('a group that had settled changed')
}
