import { array, bool, int16, int32, string } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import { DONE, refused } from '../answers.ts'
import { api } from '../api.ts'
import { change } from '../changing.ts'

/** Adds partitions to topics. v2 is flexible, v3 may be throttled (KIP-599). */
export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({
        brokerIds: array(int32()),
      }).nullable(),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
    }),
  },
  async handle({ topics, validateOnly }, { broker }) {
    const wanted = topics.filter(({ assignments }) => assignments === null)
    const results = await change(broker, wanted, cluster =>
      cluster.createPartitions(
        wanted.map(({ name, count }) => ({ name, count })),
        { validateOnly },
      ),
    )
    const answers = new Map<string, TopicView | Failure>()
    for (const { name, assignments } of topics) if (assignments !== null) answers.set(name, ASSIGNED)
    wanted.forEach(({ name }, i) => answers.set(name, results[i]!))
    return {
      results: Array.from(answers, ([name, result]) => ({ name, ...(isFailure(result) ? refused(result) : DONE) })),
    }
  },
})

const ASSIGNED = failure(
  'INVALID_REPLICA_ASSIGNMENT',
  'Replicas are placed by the platform and cannot be assigned; leave the assignments out.',
)
