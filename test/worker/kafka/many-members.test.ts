// Groups as large and as many as they come: 200 members of one, and 500 groups, over a connection each.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { listGroups } from '../../../src/worker/kafka/apis/16-list-groups.ts'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { Gathering } from '../../support/gathering.ts'
import type { GroupProtocol } from '../../support/group-member.ts'
import { KafkaClient } from '../../support/kafka-client.ts'

const SETTLE_WITHIN_MS = 40_000
const TIMEOUT_MS = 60_000
const PROTOCOLS: readonly GroupProtocol[] = ['classic', 'consumer']

let broker: Broker
beforeAll(async () => {
  broker = await startBroker({ vars: { EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '100' } })
})
afterAll(() => broker.close())

/** Ids of groups that the broker calls stable. */
async function stableGroups(): Promise<string[]> {
  const client = await KafkaClient.connect(broker.kafka)
  const { groups } = await client.call(listGroups, 5, { statesFilter: ['Stable'], typesFilter: [] })
  client.close()
  return groups.map(({ groupId }) => groupId)
}

it.each(PROTOCOLS)(
  '200 members of a %s group share 200 partitions, also after one left and another came',
  { timeout: TIMEOUT_MS },
  async protocol => {
    const groupIds = [`large-${protocol}`]
    const group = await Gathering.of({
      port: broker.kafka,
      protocol,
      groupIds,
      membersEach: 200,
      settleWithinMs: SETTLE_WITHIN_MS,
    })
    await group.settled()
    const owned = () => group.members.flatMap(member => member.owned!).sort((a, b) => a - b)
    const all = Array.from({ length: 200 }, (_, partition) => partition)
    expect(owned()).toEqual(all)
    expect(group.members.every(member => member.owned!.length === 1)).toBe(true)
    expect(await stableGroups()).toContain(groupIds[0])
    await group.settled(() => group.leave())
    expect(group.members).toHaveLength(199)
    expect(owned()).toEqual(all)
    await group.settled(() => group.join())
    expect(owned()).toEqual(all)
    expect(await stableGroups()).toContain(groupIds[0])
    await group.disperse()
  },
)

it('500 groups are stable at the same time', { timeout: TIMEOUT_MS }, async () => {
  const groups = await Promise.all(
    PROTOCOLS.map(protocol =>
      Gathering.of({
        port: broker.kafka,
        protocol,
        groupIds: Array.from({ length: 250 }, (_, i) => `many-${protocol}-${i}`),
        membersEach: 1,
        settleWithinMs: SETTLE_WITHIN_MS,
      }),
    ),
  )
  await Promise.all(groups.map(half => half.settled()))
  const stable = (await stableGroups()).filter(groupId => groupId.startsWith('many-'))
  expect(stable.sort()).toEqual(groups.flatMap(({ members }) => members.map(({ groupId }) => groupId)).sort())
  await Promise.all(groups.map(half => half.disperse()))
})
