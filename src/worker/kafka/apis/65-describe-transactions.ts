import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { codeOf, failure, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { eachGroup } from '../groups.ts'

/** The state of transactional ids, and the partitions of their open transactions (KIP-664). */
export const describeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  versions: '0',
  flexible: '0+',
  request: { transactionalIds: array(string()) },
  response: {
    throttleTimeMs: int32().or(0),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: array(int32()) }),
    }),
  },
  async handle({ transactionalIds }, { broker }) {
    const transactionStates = await eachGroup(transactionalIds, async transactionalId => {
      const reply =
        transactionalId === ''
          ? failure('INVALID_REQUEST')
          : await broker.transactions.ask(transactionalId, { type: 'describe' })
      if (isFailure(reply)) return { ...NOTHING, transactionalId, errorCode: codeOf(reply.error) }
      const { status, timeoutMs, startMs, producerId, producerEpoch, topics } = reply
      return {
        errorCode: 0,
        transactionalId,
        transactionState: status,
        transactionTimeoutMs: timeoutMs,
        transactionStartTimeMs: startMs,
        producerId,
        producerEpoch,
        topics,
      }
    })
    return { transactionStates }
  },
})

const NOTHING = {
  transactionState: '',
  transactionTimeoutMs: 0,
  transactionStartTimeMs: 0,
  producerId: 0,
  producerEpoch: 0,
  topics: [],
}
