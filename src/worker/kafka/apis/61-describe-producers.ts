import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { checkTopicName } from '../../../cluster/topics.ts'
import { isFailure } from '../../../protocol/errors.ts'
import { DONE, refused } from '../answers.ts'
import { api } from '../api.ts'
import { eachPartition } from '../partitions.ts'

/** The producers that a partition remembers: epochs, last sequences, open transactions (KIP-664). */
export const describeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().nullable().or(null),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32().or(-1),
          lastTimestamp: int64().or(-1),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64().or(-1),
        }),
      }),
    }),
  },
  async handle({ topics }, { broker }) {
    const named = topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes }))
    const results = await eachPartition(
      broker,
      named,
      partition => partition,
      (topic, partition) => broker.activeProducers(topic, partition),
    )
    return {
      topics: named.map(({ name, partitions }, t) => ({
        name,
        partitions: partitions.map((partitionIndex, p) => {
          const result = checkTopicName(name) ?? results[t]![p]!
          if (isFailure(result)) return { partitionIndex, ...refused(result), activeProducers: [] }
          return { partitionIndex, ...DONE, activeProducers: result }
        }),
      })),
    }
  },
})
