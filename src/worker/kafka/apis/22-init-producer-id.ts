import { int16, int32, int64, string } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'

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
  async handle(request, { broker }) {
    // Transactions are not served yet, so neither is an id that would promise them.
    if (request.transactionalId !== null)
      return { errorCode: codeOf('TRANSACTIONAL_ID_AUTHORIZATION_FAILED'), producerEpoch: -1 }
    const producerId = await broker.producerId()
    if (isFailure(producerId)) return { errorCode: codeOf(producerId.error), producerEpoch: -1 }
    return { errorCode: 0, producerId, producerEpoch: 0 }
  },
})
