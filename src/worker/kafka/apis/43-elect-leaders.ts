import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { codeOf, type Failure, failure } from '../../../protocol/errors.ts'
import { refused } from '../answers.ts'
import { api } from '../api.ts'
import { byIdOrName } from '../topics.ts'

/** Elects leaders for partitions: the preferred one, or since v1 any that is left (KIP-460). v2 is flexible. */
export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8().in('1+'),
    topicPartitions: array({
      topic: string(),
      partitions: array(int32()),
    }).nullable(),
    timeoutMs: int32().or(60000),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('1+'),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string().nullable(),
      }),
    }),
  },
  async handle({ electionType, topicPartitions }, { broker }) {
    if (electionType !== PREFERRED && electionType !== UNCLEAN)
      return { errorCode: codeOf('INVALID_REQUEST'), replicaElectionResults: [] }
    if (topicPartitions === null) {
      // Asked about all partitions, Kafka tells only of those that had something to elect.
      const { view } = await broker.topics({ fresh: true })
      return {
        errorCode: 0,
        replicaElectionResults: view.topics.map(({ name }) => ({ topic: name, partitionResult: [] })),
      }
    }
    const named = topicPartitions.map(({ topic }) => ({ topic, topicId: '' }))
    const find = await byIdOrName(broker, named, false)
    return {
      errorCode: 0,
      replicaElectionResults: topicPartitions.map(({ topic, partitions }, t) => {
        const found = find(named[t]!)
        return {
          topic,
          partitionResult: partitions.map(partitionId => {
            const result: Failure =
              'error' in found
                ? failure('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topic}`)
                : partitionId < 0 || partitionId >= found.partitions
                  ? failure('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${topic}-${partitionId}`)
                  : LED
            return { partitionId, ...refused(result) }
          }),
        }
      }),
    }
  },
})

const PREFERRED = 0
const UNCLEAN = 1

const LED = failure('ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.')
