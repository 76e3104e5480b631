import { bool, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { inWordsOf } from '../transactional.ts'

/**
 * Commits or aborts a producer's transaction; answered when that is decided for good, and its partitions are told behind it.
 * v2 knows PRODUCER_FENCED (KIP-588), v3 is flexible, v4 may tell TRANSACTION_ABORTABLE, v5 raises the producer's epoch
 * with every transaction (KIP-890).
 */
export const endTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    producerId: int64().in('5+').or(-1),
    producerEpoch: int16().in('5+').or(-1),
  },
  async handle({ transactionalId, producerId, producerEpoch, committed }, { broker, version }) {
    if (transactionalId === '') return { errorCode: codeOf('INVALID_REQUEST') }
    const bumps = version >= 5
    // Where the epochs run out with this end, the producer goes on with another id.
    const fresh = bumps && producerEpoch >= LAST_EPOCH ? await broker.producerId() : -1
    if (isFailure(fresh)) return { errorCode: codeOf(fresh.error) }
    const reply = await broker.transactions.ask(transactionalId, {
      type: 'end',
      producerId,
      producerEpoch,
      committed,
      clientVersion: bumps ? 2 : 0,
      freshProducerId: fresh,
    })
    if (isFailure(reply)) return { errorCode: codeOf(inWordsOf(version, 2, reply.error)) }
    return { errorCode: 0, producerId: reply.producerId, producerEpoch: reply.producerEpoch }
  },
})

/** The last that a producer is given. */
const LAST_EPOCH = 32_766
