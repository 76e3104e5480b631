// Consumer groups of v3: who is in them, what they are assigned, and how far they are behind.

import { type Failure, isFailure } from '../../../protocol/errors.ts'
import type { App } from '../../app.ts'
import { viewGroup, viewOffsets } from '../../group-view.ts'
import { inWaves } from '../../kafka/partitions.ts'
import { isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import { type Call, NOT_FOUND, route } from './route.ts'

/** Groups in one list. */
const MAX_GROUPS = 1_000
/** FindCoordinator's number of a group, by which coordinators are spread over the brokers. */
const GROUP_KEY = 0

type Group = Exclude<Awaited<ReturnType<typeof viewGroup>>, Failure>
type Member = Group['members'][number]

const GROUP = '/consumer-groups/:group'

export function mountGroups(app: App): void {
  route(app, 'GET', '/consumer-groups', async call => {
    const listed = await call.broker.groups.list()
    if (isFailure(listed)) return listed
    const found = await inWaves(listed.slice(0, MAX_GROUPS), ({ groupId }) => viewGroup(call.broker, groupId))
    const failed = found.find(group => isFailure(group) && group.error !== 'GROUP_ID_NOT_FOUND')
    if (isFailure(failed)) return failed
    const groups = found.filter((group): group is Group => !isFailure(group))
    return call.links.list(
      'KafkaConsumerGroup',
      ['consumer-groups'],
      groups.map(group => groupData(call, group)),
    )
  })
  route(app, 'GET', GROUP, call => withGroup(call, group => groupData(call, group)))
  mountConsumers(app)
  mountLags(app)
}

function mountConsumers(app: App): void {
  const consumers = `${GROUP}/consumers`
  route(app, 'GET', consumers, call =>
    withGroup(call, ({ group, members }) =>
      call.links.list(
        'KafkaConsumer',
        ['consumer-groups', group, 'consumers'],
        members.map(member => consumerData(call, group, member)),
      ),
    ),
  )
  route(app, 'GET', `${consumers}/:consumer`, call =>
    withMember(call, (group, member) => consumerData(call, group, member)),
  )
  route(app, 'GET', `${consumers}/:consumer/assignments`, call =>
    withMember(call, (group, member) =>
      call.links.list(
        'KafkaConsumerAssignment',
        ['consumer-groups', group, 'consumers', member.memberId, 'assignments'],
        assignmentsOf(call, group, member),
      ),
    ),
  )
  route(app, 'GET', `${consumers}/:consumer/assignments/:topic/partitions/:partition`, call =>
    withMember(
      call,
      (group, member) =>
        assignmentsOf(call, group, member).find(
          ({ topic_name, partition_id }) =>
            topic_name === call.param('topic') && String(partition_id) === call.param('partition'),
        ) ?? NOT_FOUND,
    ),
  )
}

function mountLags(app: App): void {
  route(app, 'GET', `${GROUP}/lags`, call =>
    withLags(call, (group, lags) =>
      call.links.list('KafkaConsumerLag', ['consumer-groups', group.group, 'lags'], lags),
    ),
  )
  route(app, 'GET', `${GROUP}/lags/:topic/partitions/:partition`, call =>
    withLags(
      call,
      (_, lags) =>
        lags.find(
          ({ topic_name, partition_id }) =>
            topic_name === call.param('topic') && String(partition_id) === call.param('partition'),
        ) ?? NOT_FOUND,
    ),
  )
  route(app, 'GET', `${GROUP}/lag-summary`, call => withLags(call, (group, lags) => summary(call, group.group, lags)))
}

/** The group that the path names. */
async function withGroup(
  call: Call,
  tell: (group: Group) => object | Promise<object>,
): Promise<object | Failure | RestFailure> {
  const id = call.param('group')
  const group = await viewGroup(call.broker, id)
  if (!isFailure(group)) return tell(group)
  return group.error === 'GROUP_ID_NOT_FOUND' ? restFailure(404, `Consumer Group ${id} could not be found.`) : group
}

const withMember = (call: Call, tell: (group: string, member: Member) => object) =>
  withGroup(call, ({ group, members }) => {
    const member = members.find(({ memberId }) => memberId === call.param('consumer'))
    return member === undefined ? NOT_FOUND : tell(group, member)
  })

type Lag = Awaited<ReturnType<typeof lagsOf>> extends infer L ? Exclude<L, RestFailure | Failure> : never

const withLags = (call: Call, tell: (group: Group, lags: Lag) => object) =>
  withGroup(call, async group => {
    const lags = await lagsOf(call, group)
    return isFailure(lags) || isRestFailure(lags) ? lags : tell(group, lags)
  })

function groupData({ links, nodes }: Call, group: Group) {
  const { group: id } = group
  return links.resource('KafkaConsumerGroup', ['consumer-groups', id], ['consumer-group', id], {
    consumer_group_id: id,
    is_simple: group.protocolType === '',
    partition_assignor: group.protocol,
    state: group.state.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(),
    type: group.type.toUpperCase(),
    is_mixed_consumer_group: false,
    coordinator: links.related('brokers', nodes.leaderOf(id, GROUP_KEY)),
    consumers: links.related('consumer-groups', id, 'consumers'),
    lag_summary: links.related('consumer-groups', id, 'lag-summary'),
  })
}

function consumerData({ links }: Call, group: string, { memberId, groupInstanceId, clientId }: Member) {
  const self = ['consumer-groups', group, 'consumers', memberId]
  return links.resource('KafkaConsumer', self, ['consumer-group', group, 'consumer', memberId], {
    consumer_group_id: group,
    consumer_id: memberId,
    instance_id: groupInstanceId,
    client_id: clientId,
    assignments: links.related(...self, 'assignments'),
  })
}

const assignmentsOf = ({ links }: Call, group: string, { memberId, assignment }: Member) =>
  assignment.flatMap(({ topic, partitions }) =>
    partitions.map(partition => {
      const self = ['consumer-groups', group, 'consumers', memberId, 'assignments', topic, 'partitions', partition]
      const crn = ['consumer-group', group, 'consumer', memberId, 'assignment', topic, 'partition', String(partition)]
      return links.resource('KafkaConsumerAssignment', self, crn, {
        consumer_group_id: group,
        consumer_id: memberId,
        topic_name: topic,
        partition_id: partition,
        partition: links.related('topics', topic, 'partitions', partition),
        lag: links.related('consumer-groups', group, 'lags', topic, 'partitions', partition),
      })
    }),
  )

/** Of what is committed; whoever has the partition is said to lag. */
async function lagsOf({ broker, links }: Call, view: Group) {
  const { group, members } = view
  const found = await viewOffsets(broker, view)
  if (isFailure(found)) return found
  const owners = new Map(
    members.flatMap(member =>
      member.assignment.flatMap(({ topic, partitions }) => partitions.map(p => [`${topic}-${p}`, member] as const)),
    ),
  )
  const committed = found.offsets.filter(({ offset, endOffset }) => offset !== null && endOffset !== null)
  if (committed.length === 0) return restFailure(404, 'Consumer group offsets could not be found.')
  return committed.map(({ topic, partition, offset, endOffset, lag }) => {
    const owner = owners.get(`${topic}-${partition}`)
    const self = ['consumer-groups', group, 'lags', topic, 'partitions', partition]
    const crn = ['consumer-group', group, 'lag', topic, 'partition', String(partition)]
    return links.resource('KafkaConsumerLag', self, crn, {
      consumer_group_id: group,
      topic_name: topic,
      partition_id: partition,
      current_offset: offset!,
      log_end_offset: endOffset!,
      lag: lag!,
      consumer_id: owner?.memberId ?? '',
      instance_id: owner?.groupInstanceId ?? null,
      client_id: owner?.clientId ?? '',
    })
  })
}

function summary({ links }: Call, group: string, lags: Lag) {
  const most = lags.reduce((max, lag) => (lag.lag > max.lag ? lag : max))
  const self = ['consumer-groups', group]
  return links.resource(
    'KafkaConsumerGroupLagSummary',
    [...self, 'lag-summary'],
    ['consumer-group', group, 'lag-summary'],
    {
      consumer_group_id: group,
      max_lag_consumer_id: most.consumer_id,
      max_lag_instance_id: most.instance_id,
      max_lag_client_id: most.client_id,
      max_lag_topic_name: most.topic_name,
      max_lag_partition_id: most.partition_id,
      max_lag: most.lag,
      total_lag: lags.reduce((sum, { lag }) => sum + lag, 0),
      max_lag_consumer: links.related(...self, 'consumers', most.consumer_id),
      max_lag_partition: links.related('topics', most.topic_name, 'partitions', most.partition_id),
    },
  )
}
