import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { eachPartition } from '../partitions.ts'

/** Moves the log start of partitions up to an offset; -1 means the high watermark. v2 is flexible. */
export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
  async handle({ topics }, { broker }) {
    const results = await eachPartition(
      broker,
      topics,
      ({ partitionIndex }) => partitionIndex,
      (topic, { partitionIndex, offset }) => broker.deleteRecords(topic, partitionIndex, offset),
    )
    return {
      topics: topics.map(({ name, partitions }, t) => ({
        name,
        partitions: partitions.map(({ partitionIndex }, p) => {
          const result = results[t]![p]!
          if (isFailure(result)) return { partitionIndex, lowWatermark: -1, errorCode: codeOf(result.error) }
          return { partitionIndex, lowWatermark: result.logStartOffset, errorCode: 0 }
        }),
      })),
    }
  },
})
