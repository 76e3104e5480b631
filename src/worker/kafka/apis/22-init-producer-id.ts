import { int16, int32, int64, string } from '../../../protocol/schema.ts'
import { codeOf, type ErrorName, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { inWordsOf } from '../transactional.ts'

/**
 * Hands out a producer id, and to transactional producers a new epoch.
 * v2 is flexible, v3 lets a producer go on after INVALID_PRODUCER_EPOCH (KIP-360), v4 knows PRODUCER_FENCED, v5
 * TRANSACTION_ABORTABLE (KIP-890). Kafka 4.3 holds v6 (two-phase commit, KIP-939) to be unstable and serves it to nobody.
 */
export const initProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-5',
  flexible: '2+',
  request: {
    transactionalId: string().nullable(),
    transactionTimeoutMs: int32(),
    producerId: int64().in('3+').or(-1),
    producerEpoch: int16().in('3+').or(-1),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    producerId: int64().or(-1),
    producerEpoch: int16(),
  },
  async handle({ transactionalId, transactionTimeoutMs, producerId, producerEpoch }, { broker, version }) {
    const refused = (error: ErrorName) => ({ errorCode: codeOf(inWordsOf(version, 4, error)), producerEpoch: -1 })
    if (transactionalId === '' || producerId < 0 !== producerEpoch < 0) return refused('INVALID_REQUEST')
    const freshProducerId = await broker.producerId()
    if (isFailure(freshProducerId)) return refused(freshProducerId.error)
    if (transactionalId === null) return { errorCode: 0, producerId: freshProducerId, producerEpoch: 0 }
    const reply = await broker.transactions.ask(transactionalId, {
      type: 'init',
      timeoutMs: transactionTimeoutMs,
      expected: producerId < 0 ? null : { producerId, producerEpoch },
      freshProducerId,
    })
    return isFailure(reply) ? refused(reply.error) : { errorCode: 0, ...reply }
  },
})
