import { array, int16, int32, string } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { checkGroupId, errorCode } from '../groups.ts'

/** Forgets committed offsets of topics that no member is subscribed to (KIP-496). */
export const offsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: '1+',
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
  async handle({ groupId, topics }, { broker }) {
    const { byName } = await broker.topics()
    const isThere = (name: string, partition: number): boolean => partition < (byName.get(name)?.partitions ?? 0)
    const reply =
      checkGroupId(groupId) ??
      (await broker.groups.ask(groupId, {
        type: 'deleteOffsets',
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(p => p.partitionIndex).filter(p => isThere(name, p)),
        })),
      }))
    if (isFailure(reply)) return { errorCode: errorCode(reply), throttleTimeMs: 0, topics: [] }
    return {
      errorCode: 0,
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }, i) => {
        const answers = new Map(reply.topics[i]!.partitions.map(({ partition, error }) => [partition, error]))
        return {
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: codeOf(answers.get(partitionIndex) ?? 'UNKNOWN_TOPIC_OR_PARTITION'),
          })),
        }
      }),
    }
  },
})
