// Transactional batches that must not overtake: one whose transaction could not be begun yet was sent back, and what its
// producer sent right behind it may find the transaction begun. Kafka's VerificationStateEntry (KIP-890), for a partition
// that does not know the producer yet; a partition that does refuses the gap by itself.

import type { TopicPartition } from '../coordinator/transaction-state.ts'
import type { Batch } from '../log/batch.ts'
import { type Failure, failure } from '../protocol/errors.ts'

/** Batches sent back that are waited for; a connection has no more requests on their way than some hundreds. */
const MAX_SENT_BACK = 1_000

type Sequenced = Pick<Batch, 'producerId' | 'producerEpoch' | 'baseSequence'>

export class Overtaking {
  /** The lowest sequence sent back, by producer, epoch and partition. */
  readonly #sentBack = new Map<string, number>()

  /** This batch is to be sent again. */
  sendBack(at: TopicPartition, batch: Sequenced): void {
    const key = keyOf(at, batch)
    this.#sentBack.set(key, Math.min(batch.baseSequence, this.#sentBack.get(key) ?? Infinity))
    if (this.#sentBack.size > MAX_SENT_BACK) this.#sentBack.delete(this.#sentBack.keys().next().value!)
  }

  /** OUT_OF_ORDER_SEQUENCE_NUMBER as long as a batch before this one has not come again. */
  judge(at: TopicPartition, batch: Sequenced): Failure | undefined {
    const key = keyOf(at, batch)
    const lowest = this.#sentBack.get(key)
    if (lowest === undefined) return undefined
    if (batch.baseSequence > lowest)
      return failure(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Out of order sequence number for producer ${batch.producerId} in partition ${at.topic}-${at.partition}: ${batch.baseSequence} (incoming seq. number), ${lowest} (earliest seen sequence)`,
      )
    this.#sentBack.delete(key)
    return undefined
  }
}

const keyOf = ({ topic, partition }: TopicPartition, { producerId, producerEpoch }: Sequenced): string =>
  `${producerId}/${producerEpoch}/${topic}-${partition}`
