// Transactions: of both generations of the protocol, their offsets, and every way in which they are refused.

import { produce } from '../../../src/worker/kafka/apis/00-produce.ts'
import { fetch } from '../../../src/worker/kafka/apis/01-fetch.ts'
import { listOffsets } from '../../../src/worker/kafka/apis/02-list-offsets.ts'
import { offsetFetch } from '../../../src/worker/kafka/apis/09-offset-fetch.ts'
import { findCoordinator } from '../../../src/worker/kafka/apis/10-find-coordinator.ts'
import { initProducerId } from '../../../src/worker/kafka/apis/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../../src/worker/kafka/apis/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../../../src/worker/kafka/apis/25-add-offsets-to-txn.ts'
import { endTxn } from '../../../src/worker/kafka/apis/26-end-txn.ts'
import { txnOffsetCommit } from '../../../src/worker/kafka/apis/28-txn-offset-commit.ts'
import { describeProducers } from '../../../src/worker/kafka/apis/61-describe-producers.ts'
import { describeTransactions } from '../../../src/worker/kafka/apis/65-describe-transactions.ts'
import { listTransactions } from '../../../src/worker/kafka/apis/66-list-transactions.ts'
import { codeOf } from '../../../src/protocol/errors.ts'
import type { Scenario, Transcript } from '../transcript.ts'
import { aBatch, fetched, produced } from './records.ts'
import { aTopic } from './topics.ts'

const TIMEOUT_MS = 60_000
/** How often a coordinator that is not there yet is asked again. */
const MAX_TRIES = 100

interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

/** Waits until the end of a transaction has reached its partitions. */
async function settled(to: Transcript, transactionalId: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { transactionStates } = await to.ask(describeTransactions, 0, { transactionalIds: [transactionalId] })
    if (!transactionStates[0]!.transactionState.startsWith('Prepare')) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await to.settle()
}

/** A transactional id, its topic of two partitions, and what is done with them; the first question waits for a coordinator. */
async function begin(to: Transcript) {
  const transactionalId = to.topic('tx')
  await aTopic(to, 't', { partitions: 2 })
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { coordinators } = await to.ask(findCoordinator, 4, { keyType: 1, coordinatorKeys: [transactionalId] })
    if (coordinators[0]!.errorCode === 0) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  const t = { name: to.topic('t') }
  const init = (what: string, version: number, from?: Producer, more: object = {}) =>
    to.call(what, initProducerId, version, {
      transactionalId,
      transactionTimeoutMs: TIMEOUT_MS,
      ...from,
      ...more,
    })
  return {
    transactionalId,
    t,
    init,
    /** The coordinator may still have to load. */
    async first(version: number): Promise<Producer> {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const answer = await to.ask(initProducerId, version, { transactionalId, transactionTimeoutMs: TIMEOUT_MS })
        if (answer.errorCode === codeOf('NONE')) {
          to.note(`first: InitProducerId v${version}`, answer)
          return answer
        }
        await new Promise(resolve => setTimeout(resolve, 100))
      }
      throw new Error('no coordinator')
    },
    write: (what: string, version: number, by: Producer, baseSequence: number, values = ['a'], more = {}) =>
      to.call(what, produce, version, {
        ...produced(t, aBatch(values, { transactional: true, timestamp: Date.now(), ...by, baseSequence }), more),
        transactionalId,
      }),
    add: (what: string, version: number, by: Producer, partitions = [0], name = t.name) =>
      to.call(what, addPartitionsToTxn, version, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: by.producerId,
        v3AndBelowProducerEpoch: by.producerEpoch,
        v3AndBelowTopics: [{ name, partitions }],
        transactions: [],
      }),
    async end(what: string, version: number, by: Producer, committed: boolean) {
      const { producerId, producerEpoch } = by
      const answer = await to.call(what, endTxn, version, { transactionalId, producerId, producerEpoch, committed })
      await settled(to, transactionalId)
      return answer
    },
    async look(what: string) {
      await to.call(what, describeTransactions, 0, { transactionalIds: [transactionalId] })
      await to.call(what, describeProducers, 0, { topics: [{ name: t.name, partitionIndexes: [0] }] })
      for (const isolationLevel of [0, 1]) {
        const topics = [{ name: t.name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
        await to.call(`${what}, the end of ${isolationLevel}`, listOffsets, 9, {
          replicaId: -1,
          isolationLevel,
          topics,
        })
        await to.call(`${what}, with ${isolationLevel}`, fetch, 12, fetched(t, { isolationLevel }))
      }
    },
    async list(what: string, version: number, more: object = {}) {
      const { transactionStates, ...rest } = await to.ask(listTransactions, version, {
        stateFilters: [],
        producerIdFilters: [],
        ...more,
      })
      const ours = transactionStates.filter(one => one.transactionalId === transactionalId)
      to.note(what, { ...rest, transactionStates: ours })
    },
  }
}

const older: Scenario = {
  name: 'transactions as before KIP-890',
  async run(to) {
    const { init, first, write, add, end, look, list } = await begin(to)
    const one = await first(4)
    await look('nothing yet')
    for (const version of [0, 1, 2]) await list(`listed in v${version}`, version)
    await list('a state that it has', 1, { stateFilters: ['Empty', 'Odd'] })
    await list('a state that it has not', 1, { stateFilters: ['Ongoing'] })
    await list('a pattern', 2, { transactionalIdPattern: '.*tx' })
    await list('another pattern', 2, { transactionalIdPattern: 'no.*' })
    await list('a broken pattern', 2, { transactionalIdPattern: '(' })
    await end('the end of nothing', 3, one, true)
    await write('not added', 11, one, 0)
    for (const version of [0, 1, 2, 3]) await add('added', version, one)
    await add('what is not there', 3, one, [0, 5])
    await add('no topic', 3, one, [0], to.topic('unknown'))
    await write('added', 11, one, 0, ['a', 'b'])
    await write('the same again', 11, one, 0, ['a', 'b'])
    await write('another partition', 11, one, 0, ['a'], { partition: 1 })
    await look('open')
    await end('commit', 3, one, true)
    await look('committed')
    for (const version of [0, 1, 2, 3, 4]) await end('commit again', version, one, true)
    await end('abort what is committed', 3, one, false)
    await add('the next', 3, one)
    await write('the next', 11, one, 2, ['c'])
    await end('abort', 3, one, false)
    await look('aborted')
    for (const version of [0, 1, 2, 3, 4, 5]) await init(`again, v${version}`, version)
    const now = await init('and again', 4)
    for (const version of [0, 1, 2, 3]) await add('by one that is fenced', version, one)
    for (const version of [0, 1, 2, 3, 4]) await end('by one that is fenced', version, one, true)
    await write('by one that is fenced', 11, one, 3)
    await add('by somebody else', 3, { producerId: 987_654, producerEpoch: 0 })
    await end('by somebody else', 3, { producerId: 987_654, producerEpoch: 0 }, true)
    await init('goes on', 4, now)
    await init('goes on, asked twice', 4, now)
    await init('goes on from long ago', 4, one)
    await init('goes on from long ago, in the words of then', 3, one)
    await init('somebody else goes on', 4, { producerId: 987_654, producerEpoch: 0 })
    await init('half of a producer', 4, { producerId: 3, producerEpoch: -1 })
    await init('no time', 4, undefined, { transactionTimeoutMs: 0 })
    await init('too much time', 4, undefined, { transactionTimeoutMs: 900_001 })
    await init('no id', 4, undefined, { transactionalId: '' })
    await to.call('unknown', describeTransactions, 0, { transactionalIds: ['nobody', ''] })
  },
}

const newer: Scenario = {
  name: 'transactions of an epoch each',
  async run(to) {
    const { init, first, write, end, look, transactionalId } = await begin(to)
    const one = await first(5)
    await end('the end of nothing', 5, one, true)
    const two = await end('an abort of nothing', 5, one, false)
    await write('of the epoch before', 12, one, 0)
    await write('added by it', 12, two, 0, ['a', 'b'])
    await look('open')
    const three = await end('commit', 5, two, true)
    await look('committed')
    await end('commit again', 5, two, true)
    await end('abort what is committed', 5, two, false)
    await write('late', 12, two, 2)
    await write('of the next, not from the start', 12, three, 7)
    await write('of the next', 12, three, 0, ['c'])
    await end('the one before, again', 5, two, true)
    const four = await end('abort', 5, three, false)
    await look('aborted')
    await write('both partitions', 12, four, 0, ['d'])
    await write('both partitions', 12, four, 0, ['d'], { partition: 1 })
    await init('a new one while it is open', 5)
    await settled(to, transactionalId)
    await init('a new one once it is not', 5)
    await look('aborted by the new one')
    await end('by one that is fenced', 5, four, true)
    await write('by one that is fenced', 12, four, 1)
  },
}

const offsets: Scenario = {
  name: 'offsets in transactions',
  async run(to) {
    const { first, end, transactionalId, t } = await begin(to)
    const groupId = to.topic('g')
    const commit = (
      what: string,
      version: number,
      { producerId, producerEpoch }: Producer,
      offset: number,
      more = {},
    ) =>
      to.call(what, txnOffsetCommit, version, {
        transactionalId,
        groupId,
        producerId,
        producerEpoch,
        topics: [
          { name: t.name, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: 'm' }] },
        ],
        ...more,
      })
    const shown = async (what: string) => {
      const groups = [{ groupId, topics: [{ name: t.name, partitionIndexes: [0, 1] }] }]
      for (const requireStable of [false, true])
        await to.call(`${what}, stable: ${requireStable}`, offsetFetch, 8, { groups, requireStable })
    }
    let by: Producer = await first(4)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { coordinators } = await to.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
      if (coordinators[0]!.errorCode === 0) break
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    const { producerId, producerEpoch } = by
    await to.call('no id', addOffsetsToTxn, 3, { transactionalId: '', producerId, producerEpoch, groupId })
    for (const version of [0, 1, 2, 3])
      await to.call('added', addOffsetsToTxn, version, { transactionalId, producerId, producerEpoch, groupId })
    for (const version of [0, 1, 2, 3, 4]) await commit('some', version, by, 3 + version)
    await commit('of a topic that is not there', 3, by, 1, {
      topics: [
        { name: to.topic('unknown'), partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] },
      ],
    })
    await commit('by a member that nobody knows', 3, by, 9, { memberId: 'm', generationId: 4 })
    await commit('by somebody else', 3, { producerId: 987_654, producerEpoch: 0 }, 9)
    await shown('open')
    await end('commit', 3, by, true)
    await shown('committed')
    await commit('added by it', 5, by, 20)
    await shown('open again')
    by = await end('abort', 5, by, false)
    await shown('aborted')
    await commit('once more', 5, by, 30)
    by = await end('commit again', 5, by, true)
    await shown('committed again')
  },
}

/** Those of one epoch each, and those of before: what a producer hears that took too long. */
const late: Scenario = {
  name: 'transactions that take too long',
  async run(to) {
    const { init, write, add, end, look, transactionalId, first } = await begin(to)
    await first(5)
    for (const [version, ending, committed] of [
      [12, 5, true],
      [12, 5, false],
      [12, 4, true],
      [11, 3, true],
    ] as const) {
      const by = await init('in a second', 5, undefined, { transactionTimeoutMs: 1_000 })
      if (version < 12) await add('begun', 3, by)
      await write('begun', version, by, 0)
      await timedOut(to, transactionalId)
      await look('after that time')
      await write('late', version, by, 1)
      await end(committed ? 'commit' : 'abort', ending, by, committed)
      await end(committed ? 'commit again' : 'abort again', ending, by, committed)
      await init('goes on', 5, by)
    }
  },
}

/** Waits until the coordinator has aborted what took too long. */
async function timedOut(to: Transcript, transactionalId: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { transactionStates } = await to.ask(describeTransactions, 0, { transactionalIds: [transactionalId] })
    if (transactionStates[0]!.transactionState === 'CompleteAbort') break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  await to.settle()
}

export const transactions = [older, newer, late, offsets]
