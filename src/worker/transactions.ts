// Transactions: a transactional id to its coordinator, and one question to it; or one to all coordinators.

import { TRANSACTIONS_TOPIC, TRANSACTIONS_TOPIC_ID } from '../cluster/internal.ts'
import type { TransactionCommand, TransactionReplies } from '../coordinator/transaction-commands.ts'
import type { TopicPartition } from '../coordinator/transaction-state.ts'
import type { Rpc } from '../objects/place.ts'
import type { ListedTransaction, TransactionObject } from '../objects/transaction.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import { Coordinators } from './coordinators.ts'
import { Overtaking } from './overtaking.ts'
import { type PassingProducers, passingProducers } from './passing-producers.ts'

/** Transactions whose partitions a connection remembers; the oldest give way. */
const MAX_KNOWN = 1_000

interface Known {
  readonly producerId: number
  readonly producerEpoch: number
  readonly transaction: number
  readonly partitions: ReadonlySet<string>
}

type Stub = Rpc<Pick<TransactionObject, 'ask' | 'list'>>

export class Transactions {
  readonly #broker: Broker
  readonly #namespace: DurableObjectNamespace<TransactionObject>
  readonly #coordinators: Coordinators<Stub>
  /** By transactional id, the partitions that its producer's current transaction is known to have. */
  readonly #known = new Map<string, Known>()
  /** What producers of this connection have to send again first. */
  readonly overtaking = new Overtaking()

  /** For requests that name no producer. */
  get passing(): PassingProducers {
    return passingProducers(this.#namespace)
  }

  constructor(broker: Broker, namespace: DurableObjectNamespace<TransactionObject>) {
    this.#broker = broker
    this.#namespace = namespace
    this.#coordinators = new Coordinators(broker, {
      topic: TRANSACTIONS_TOPIC,
      what: 'transaction',
      stub: partition => namespace.getByName(`${TRANSACTIONS_TOPIC_ID}-${partition}`) as unknown as Stub,
    })
  }

  /** What the coordinator answers; COORDINATOR_NOT_AVAILABLE, upon which clients try again, where it does not. */
  async ask<C extends TransactionCommand>(
    transactionalId: string,
    command: C,
  ): Promise<TransactionReplies[C['type']] | Failure> {
    const topic = await this.#broker.transactionsTopic()
    const ask = (stub: Stub) => stub.ask(transactionalId, command) as Promise<TransactionReplies[C['type']]>
    return this.#coordinators.ask(transactionalId, topic, ask)
  }

  /**
   * The number of the transaction in which a producer writes to these partitions. They are added to it if `adds`, which the
   * producer may leave to the broker where each transaction has an epoch of its own (KIP-890); else they must be part of it.
   */
  async numberOf(
    transactionalId: string,
    producer: { readonly producerId: number; readonly producerEpoch: number },
    partitions: readonly TopicPartition[],
    adds: boolean,
  ): Promise<{ readonly transaction: number } | Failure> {
    const { producerId, producerEpoch } = producer
    if (!adds) return this.ask(transactionalId, { type: 'verify', producerId, producerEpoch, partitions })
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`)
    const known = this.#known.get(transactionalId)
    const isCurrent = known?.producerId === producerId && known.producerEpoch === producerEpoch
    if (isCurrent && names.every(name => known.partitions.has(name))) return known
    const added = await this.ask(transactionalId, {
      type: 'add',
      producerId,
      producerEpoch,
      partitions,
      clientVersion: 2,
    })
    if (isFailure(added)) return added
    const before = isCurrent && known.transaction === added.transaction ? known.partitions : []
    this.#known.delete(transactionalId)
    this.#known.set(transactionalId, {
      producerId,
      producerEpoch,
      transaction: added.transaction,
      partitions: new Set([...before, ...names]),
    })
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    return added
  }

  /** All transactional ids; a coordinator that does not answer fails the whole. */
  async list(): Promise<readonly ListedTransaction[] | Failure> {
    const listed = await this.#coordinators.askAll<ListedTransaction>(stub => stub.list())
    return isFailure(listed) ? listed : listed.sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
  }
}
