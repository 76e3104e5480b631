// One transactional id on the machine alone: a clock that is set, and a log that a restart replays.

import { transactionMachine, type TransactionSettings } from '../../src/coordinator/transaction.ts'
import type { TransactionCommand, TransactionReplies } from '../../src/coordinator/transaction-commands.ts'
import {
  emptyTransaction,
  type TransactionFact,
  type TransactionState,
} from '../../src/coordinator/transaction-state.ts'
import type { FactRecord } from '../../src/machine.ts'

export const SETTINGS: TransactionSettings = {
  'transaction.max.timeout.ms': 900_000,
  'transactional.id.expiration.ms': 604_800_000,
}

export class Transactional {
  nowMs = 1_700_000_000_000
  state: TransactionState
  stored: FactRecord | undefined
  readonly #machine = transactionMachine(SETTINGS)
  readonly #id: string
  #freshProducerId = 4_000

  constructor(id = 't') {
    this.#id = id
    this.state = emptyTransaction(id)
  }

  ask<C extends TransactionCommand>(command: C): TransactionReplies[C['type']] {
    const { facts, replies } = this.#machine.decide(this.state, command, 1, this.nowMs)
    this.#apply(facts)
    return replies[0]![1] as TransactionReplies[C['type']]
  }

  tick(): void {
    this.#apply(this.#machine.tick(this.state, this.nowMs).facts)
  }

  /** What is due next is done, at its time. */
  pass(): void {
    this.nowMs = this.deadline!
    this.tick()
  }

  get deadline(): number | undefined {
    return this.#machine.deadline(this.state)
  }

  get status(): string | undefined {
    return this.state.value?.status
  }

  restart(): void {
    this.state = emptyTransaction(this.#id)
    if (this.stored !== undefined) this.#machine.replay(this.state, this.#machine.decode(this.stored)!.fact)
  }

  init(expected: { producerId: number; producerEpoch: number } | null = null, timeoutMs = 60_000) {
    return this.ask({ type: 'init', timeoutMs, expected, freshProducerId: this.#freshProducerId++ })
  }

  add(producerId: number, producerEpoch: number, partitions: readonly number[] = [0], clientVersion = 0) {
    const added = partitions.map(partition => ({ topic: 'orders', partition }))
    return this.ask({ type: 'add', producerId, producerEpoch, partitions: added, clientVersion })
  }

  end(producerId: number, producerEpoch: number, committed: boolean, clientVersion = 0) {
    const freshProducerId = this.#freshProducerId++
    return this.ask({ type: 'end', producerId, producerEpoch, committed, clientVersion, freshProducerId })
  }

  mark(partitions: readonly number[] = [0], transaction = this.state.value!.startMs) {
    const answered = partitions.map(partition => ({ topic: 'orders', partition }))
    return this.ask({ type: 'marked', transaction, partitions: answered })
  }

  #apply(facts: readonly TransactionFact[]): void {
    for (const fact of facts) {
      this.#machine.replay(this.state, fact)
      if (!fact.volatile) this.stored = this.#machine.encode(fact, this.#id)
    }
  }
}
