// Requests to the Kafka door, with what does not matter filled in.

import { ZERO_UUID } from '../../src/protocol/bytes.ts'

/** A fetch of one partition: everything from `offset` on, at once, unless told otherwise. */
export const aFetch = (
  topic: string,
  {
    partition = 0,
    offset = 0,
    minBytes = 0,
    maxWaitMs = 0,
    maxBytes = 16_777_216,
    sessionId = 0,
    sessionEpoch = -1,
  } = {},
) => ({
  maxWaitMs,
  minBytes,
  maxBytes,
  isolationLevel: 0,
  sessionId,
  sessionEpoch,
  topics: [
    { topic, topicId: ZERO_UUID, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }] },
  ],
  forgottenTopicsData: [],
})

export const aProduce = (topic: string, records: Uint8Array | null, { acks = -1, partition = 0 } = {}) => ({
  acks,
  timeoutMs: 5_000,
  topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: partition, records }] }],
})

export const aTopic = (name: string, partitions = 1) => ({
  topics: [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
})
