import { array, int16, int32, string, uuid } from '../../../protocol/schema.ts'
import { ZERO_UUID } from '../../../protocol/bytes.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import type { Broker } from '../../broker.ts'
import { DONE, refused } from '../answers.ts'
import { api } from '../api.ts'
import { change, repeated } from '../changing.ts'

/**
 * Deletes topics with all they hold.
 * v4 is flexible, v5 has error messages and may be throttled (KIP-599), v6 goes by name or topic id (KIP-516).
 */
export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexible: '4+',
  request: {
    topics: array({
      name: string().nullable().or(null),
      topicId: uuid(),
    }).in('6+'),
    topicNames: array(string()).in('0-5'),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    responses: array({
      name: string().nullable('6+'),
      topicId: uuid().in('6+'),
      errorCode: int16(),
      errorMessage: string().in('5+').nullable().or(null),
    }),
  },
  async handle({ topics, topicNames }, { version, broker }) {
    const named = version >= 6 ? topics : topicNames.map(name => ({ name, topicId: ZERO_UUID }))
    const unique = await eachTopicOnce(eachOnce(named), broker)
    const wanted = unique.filter(({ error }) => error === undefined)
    const results =
      broker.configs['delete.topic.enable'] === 'false'
        ? wanted.map(() => disabled(version))
        : await change(broker, wanted, cluster =>
            cluster.deleteTopics(wanted.map(({ name, topicId }) => (name === null ? { topicId } : { name }))),
          )
    const responses = wanted.map(({ name, topicId }, i) => {
      const result = results[i]!
      if (isFailure(result)) return { name, topicId, ...refused(result) }
      return { name: result.name, topicId: result.topicId, ...DONE }
    })
    const failed = unique.flatMap(({ name, topicId, error }) =>
      error === undefined ? [] : [{ name, topicId, ...refused(error) }],
    )
    return { responses: [...failed, ...responses] }
  },
})

interface Named {
  readonly name: string | null
  readonly topicId: string
  readonly error?: Failure
}

/** Each topic once; with an error where it is named twice, by nothing or by two things. */
function eachOnce(topics: readonly { readonly name: string | null; readonly topicId: string }[]): readonly Named[] {
  const twice = repeated(topics.map(keyOf))
  const once = new Map(topics.map(topic => [keyOf(topic), topic]))
  return Array.from(once, ([key, { name, topicId }]) => {
    const why = wrongly(name, topicId, twice.has(key))
    return why === undefined ? { name, topicId } : { name, topicId, error: failure('INVALID_REQUEST', why) }
  })
}

/** A topic that is asked for by name and by id, too: the name is refused, and the id says nothing unless it is wrong itself. */
async function eachTopicOnce(topics: readonly Named[], broker: Broker): Promise<readonly Named[]> {
  const ids = new Set(topics.flatMap(({ name, topicId }) => (name === null ? [topicId] : [])))
  if (ids.size === 0 || topics.every(({ name }) => name === null)) return topics
  const { byName } = await broker.topics({ fresh: true })
  const both = new Set<string>()
  const refusing = topics.map((one): Named => {
    const { name, error } = one
    const topicId = name === null || error !== undefined ? undefined : byName.get(name)?.topicId
    if (topicId === undefined || !ids.has(topicId)) return one
    both.add(topicId)
    return { name, topicId, error: BOTH }
  })
  return refusing.filter(({ name, topicId, error }) => name !== null || error !== undefined || !both.has(topicId))
}

const BOTH = failure('INVALID_REQUEST', 'The provided topic name maps to an ID that was already supplied.')

const keyOf = ({ name, topicId }: Named): string => `${topicId}${name === null ? '' : ` ${name}`}`

function wrongly(name: string | null, topicId: string, twice: boolean): string | undefined {
  if (name === null && topicId === ZERO_UUID) return 'Neither topic name nor id were specified.'
  if (name !== null && topicId !== ZERO_UUID) return 'You may not specify both topic name and topic id.'
  if (twice) return name === null ? 'Duplicate topic id.' : 'Duplicate topic name.'
  return undefined
}

const disabled = (version: number): Failure =>
  failure(version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.')
