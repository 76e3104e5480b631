import { array, bool, int16, int32, int64, int8, string } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { eachPartition } from '../partitions.ts'

/**
 * Ends a producer's open transaction in partitions. Kafka's coordinators tell their brokers so; here it is for administrators,
 * to end what no coordinator knows any more (kafka-transactions --abort). v1 is flexible, v2 tells the version of the
 * transaction (KIP-1228).
 */
export const writeTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '1-2',
  flexible: '1+',
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8().in('2+').or(0),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
  async handle({ markers }, { broker }) {
    if (markers.length > MAX_MARKERS) throw new RangeError(`more than ${MAX_MARKERS} markers in one request`)
    const answers = []
    for (const { producerId, producerEpoch, transactionResult: committed, topics } of markers) {
      const named = topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes }))
      const results = await eachPartition(
        broker,
        named,
        partition => partition,
        async (topic, partition) => {
          const ended = await broker.endTransactions(topic, partition, [{ producerId, producerEpoch, committed }])
          return isFailure(ended) ? ended : ended[0]!
        },
      )
      answers.push({
        producerId,
        topics: named.map(({ name, partitions }, t) => ({
          name,
          partitions: partitions.map((partitionIndex, p) => {
            const result = results[t]![p]!
            return { partitionIndex, errorCode: isFailure(result) ? codeOf(result.error) : 0 }
          }),
        })),
      })
    }
    return { markers: answers }
  },
})

/** Markers in one request. */
const MAX_MARKERS = 1_000
