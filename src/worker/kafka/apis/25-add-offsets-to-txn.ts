import { int16, int32, int64, string } from '../../../protocol/schema.ts'
import { partitionFor } from '../../../coordinator/partition-for.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { inWordsOf } from '../transactional.ts'

/**
 * Makes a group's offsets part of a producer's transaction: the partition of __consumer_offsets that has the group.
 * v2 knows PRODUCER_FENCED (KIP-588), v3 is flexible, v4 may tell TRANSACTION_ABORTABLE (KIP-890).
 */
export const addOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: '0-4',
  flexible: '3+',
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
  },
  async handle({ transactionalId, producerId, producerEpoch, groupId }, { broker, version }) {
    if (transactionalId === '') return { errorCode: codeOf('INVALID_REQUEST') }
    const { name, partitions } = await broker.offsetsTopic()
    const reply = await broker.transactions.ask(transactionalId, {
      type: 'add',
      producerId,
      producerEpoch,
      partitions: [{ topic: name, partition: partitionFor(groupId, partitions) }],
      clientVersion: 0,
    })
    return { errorCode: isFailure(reply) ? codeOf(inWordsOf(version, 2, reply.error)) : 0 }
  },
})
