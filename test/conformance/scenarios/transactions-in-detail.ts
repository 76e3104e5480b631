// Transactions in detail: each step of both generations of producers done rightly, twice, late, by nobody and by somebody
// else; time that runs out; what administrators see and do. transactions.ts has their life as a whole.

import { ZERO_UUID } from '../../../src/protocol/bytes.ts'
import type { Decoded, Encodable, Message } from '../../../src/protocol/schema.ts'
import type { Api } from '../../../src/worker/kafka/api.ts'
import { produce } from '../../../src/worker/kafka/apis/00-produce.ts'
import { fetch } from '../../../src/worker/kafka/apis/01-fetch.ts'
import { listOffsets } from '../../../src/worker/kafka/apis/02-list-offsets.ts'
import { offsetFetch } from '../../../src/worker/kafka/apis/09-offset-fetch.ts'
import { findCoordinator } from '../../../src/worker/kafka/apis/10-find-coordinator.ts'
import { initProducerId } from '../../../src/worker/kafka/apis/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../../src/worker/kafka/apis/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../../../src/worker/kafka/apis/25-add-offsets-to-txn.ts'
import { endTxn } from '../../../src/worker/kafka/apis/26-end-txn.ts'
import { writeTxnMarkers } from '../../../src/worker/kafka/apis/27-write-txn-markers.ts'
import { txnOffsetCommit } from '../../../src/worker/kafka/apis/28-txn-offset-commit.ts'
import { describeProducers } from '../../../src/worker/kafka/apis/61-describe-producers.ts'
import { describeTransactions } from '../../../src/worker/kafka/apis/65-describe-transactions.ts'
import { listTransactions } from '../../../src/worker/kafka/apis/66-list-transactions.ts'
import type { Scenario, Transcript } from '../transcript.ts'
import { aGroup } from './groups.ts'
import { aBatch } from './records.ts'
import { aTopic } from './topics.ts'

const MAX_TRIES = 200
const TRY_AGAIN_MS = 100
/** What passes: a coordinator that is not there yet, and a transaction that is not ended everywhere yet. */
const NOT_YET = new Set([14, 15, 16, 51])
/** The older producers' versions, and the newer ones'. */
const OLD = { init: 4, add: 3, produce: 11, offsets: 3, commit: 3, end: 4 }
const NEW = { init: 5, produce: 12, commit: 5, end: 5 }

interface Me {
  readonly producerId: number
  readonly producerEpoch: number
}

/** One transactional id of this run, and what its producer may ask. */
class Producer {
  readonly to: Transcript
  readonly id: string
  me: Me = { producerId: -1, producerEpoch: -1 }

  constructor(to: Transcript, name: string) {
    this.to = to
    this.id = to.topic(name)
  }

  /** Begins, once its coordinator is there; `what` notes the answer. */
  async init(version: number, what?: string, transactionTimeoutMs = 60_000): Promise<Me> {
    const answer = await this.#ready(() =>
      this.to.ask(initProducerId, version, { transactionalId: this.id, transactionTimeoutMs }),
    )
    if (what !== undefined) this.to.note(`${what}: InitProducerId v${version}`, answer)
    return (this.me = { producerId: answer.producerId, producerEpoch: answer.producerEpoch })
  }

  add(what: string, partitions: readonly number[], { version = OLD.add, me = this.me, topic = 't' } = {}) {
    return this.#call(what, addPartitionsToTxn, version, {
      transactions: [],
      v3AndBelowTransactionalId: this.id,
      v3AndBelowProducerId: me.producerId,
      v3AndBelowProducerEpoch: me.producerEpoch,
      v3AndBelowTopics: [{ name: this.to.topic(topic), partitions }],
    })
  }

  produce(
    what: string,
    values: readonly string[],
    baseSequence: number,
    { version = OLD.produce, me = this.me, partition = 0, transactional = true, id = this.id as string | null } = {},
  ) {
    // Of now, like the markers: Kafka rolls segments by the times that batches have.
    const records = aBatch(values, { ...me, baseSequence, transactional, timestamp: Date.now() })
    return this.#call(what, produce, version, {
      transactionalId: id,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: this.to.topic('t'), topicId: ZERO_UUID, partitionData: [{ index: partition, records }] }],
    })
  }

  end(what: string, committed: boolean, { version = OLD.end, me = this.me } = {}) {
    return this.to.call(what, endTxn, version, { transactionalId: this.id, ...me, committed })
  }

  /** Ends it, is told who it is now, and waits until that is so everywhere. */
  async endNew(what: string, committed: boolean): Promise<void> {
    const { producerId, producerEpoch } = await this.end(what, committed, { version: NEW.end })
    this.me = { producerId, producerEpoch }
    await this.complete()
  }

  /** Its last transaction has been told to all partitions. */
  async complete(): Promise<void> {
    for (let i = 0; i < MAX_TRIES; i++) {
      const { transactionStates } = await this.to.ask(describeTransactions, 0, { transactionalIds: [this.id] })
      if (/^(Complete|Empty)/.test(transactionStates[0]!.transactionState)) return
      await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS))
    }
    throw new Error('the transaction does not complete')
  }

  /** Kafka's brokers ask their coordinator behind a first produce, and say so for a moment. */
  async #call<Q extends Message, S extends Message>(
    what: string,
    api: Api<Q, S>,
    version: number,
    request: Encodable<Q>,
  ): Promise<Decoded<S>> {
    const answer = await this.#ready(() => this.to.ask(api, version, request))
    this.to.note(`${what}: ${api.name} v${version}`, answer)
    return answer
  }

  async #ready<T>(ask: () => Promise<T>): Promise<T> {
    for (let i = 0; ; i++) {
      const answer = await ask()
      if (i === MAX_TRIES || !codesOf(answer).some(code => NOT_YET.has(code))) return answer
      if (codesOf(answer).includes(15) || codesOf(answer).includes(16)) await this.#coordinator()
      await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS))
    }
  }

  /** Whoever is asked for a coordinator makes the topic that transactions are kept in. */
  #coordinator() {
    return this.to.ask(findCoordinator, 3, { key: this.id, keyType: 1, coordinatorKeys: [] })
  }
}

function codesOf(answer: unknown): number[] {
  if (Array.isArray(answer)) return answer.flatMap(codesOf)
  if (typeof answer !== 'object' || answer === null || answer instanceof Uint8Array) return []
  return Object.entries(answer).flatMap(([name, value]) =>
    /errorCode$/i.test(name) && typeof value === 'number' ? [value] : codesOf(value),
  )
}

const read = (to: Transcript, what: string, isolationLevel: number, version = 12) =>
  to.call(what, fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 10_000_000,
    isolationLevel,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: to.topic('t'),
        topicId: ZERO_UUID,
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000_000 }],
      },
    ],
    forgottenTopicsData: [],
  })

const ends = (to: Transcript, what: string, isolationLevel: number, timestamp = -1) =>
  to.call(what, listOffsets, 9, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: to.topic('t'), partitions: [{ partitionIndex: 0, timestamp }] }],
  })

const producers = (to: Transcript, what: string) =>
  to.call(what, describeProducers, 0, { topics: [{ name: to.topic('t'), partitionIndexes: [0, 9] }] })

/** Kafka keeps partitions in a set. */
async function described(to: Transcript, what: string, ...ids: string[]): Promise<void> {
  const { transactionStates } = await to.ask(describeTransactions, 0, { transactionalIds: ids })
  const states = transactionStates.map(state => ({
    ...state,
    topics: state.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) })),
  }))
  to.note(`${what}: DescribeTransactions v0`, { transactionStates: states })
}

/** All that others have left behind is not compared. */
async function listed(
  to: Transcript,
  what: string,
  version: number,
  filters: Partial<Encodable<(typeof listTransactions)['request']>>,
) {
  const asked = { stateFilters: [], producerIdFilters: [], ...filters }
  const answer = await to.ask(listTransactions, version, asked)
  const mine = answer.transactionStates.filter(({ transactionalId }) => transactionalId.startsWith(to.topic('')))
  const sorted = mine.toSorted((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
  to.note(`${what}: ListTransactions v${version}`, { ...answer, transactionStates: sorted })
}

const beginning: Scenario = {
  name: 'transactional producers',
  async run(to) {
    const p = new Producer(to, 'p')
    for (let version = 0; version <= 5; version++) await p.init(version, 'begins')
    const ask = (what: string, version: number, more: object) =>
      to.call(what, initProducerId, version, { transactionalId: p.id, transactionTimeoutMs: 60_000, ...more })
    await ask('goes on', 4, p.me)
    await ask('goes on once more, the same', 4, p.me)
    await ask('goes on as somebody else', 4, { ...p.me, producerId: p.me.producerId + 1_000_000 })
    await ask('goes on from the future', 4, { ...p.me, producerEpoch: p.me.producerEpoch + 7 })
    await ask('goes on from the past', 3, { ...p.me, producerEpoch: 0 })
    await ask('goes on from the past', 4, { ...p.me, producerEpoch: 0 })
    await ask('an epoch without an id', 4, { producerId: -1, producerEpoch: 3 })
    await ask('an id without an epoch', 4, { producerId: p.me.producerId, producerEpoch: -1 })
    await ask('no time', 4, { transactionTimeoutMs: 0 })
    await ask('too much time', 4, { transactionTimeoutMs: 900_001 })
    await ask('all the time there is', 4, { transactionTimeoutMs: 900_000 })
    await ask('an empty id', 4, { transactionalId: '' })
    await described(to, 'described', p.id)
    // The first producer id that a broker gives out is the one it tells of nobody.
    const { transactionStates } = await to.ask(describeTransactions, 0, { transactionalIds: [to.topic('nobody'), ''] })
    to.note(
      'nobody: DescribeTransactions v0',
      transactionStates.map(state =>
        Object.fromEntries(Object.entries(state).filter(([name]) => name !== 'producerId')),
      ),
    )
  },
}

const older: Scenario = {
  name: 'a transaction of an older producer',
  async run(to) {
    await aTopic(to, 't', { partitions: 3 })
    const p = new Producer(to, 'p')
    await p.init(OLD.init, 'begins')
    await p.end('commits nothing', true)
    await p.end('aborts nothing', false)
    await p.produce('without its partition', ['no'], 0)
    await p.produce('without its id', ['no'], 0, { id: null })
    await p.add('what is not there', [0, 7])
    await p.add('a topic that is not there', [0], { topic: 'unknown' })
    for (let version = 0; version <= 3; version++) await p.add('its partitions', [0, 1], { version })
    await p.add('as somebody else', [0], { me: { ...p.me, producerId: p.me.producerId + 1_000_000 } })
    for (const version of [1, 2])
      await p.add('from the future', [0], { version, me: { ...p.me, producerEpoch: p.me.producerEpoch + 1 } })
    await described(to, 'ongoing', p.id)
    await p.produce('first', ['a', 'b'], 0)
    await p.produce('the same again', ['a', 'b'], 0)
    await p.produce('with a gap', ['d'], 7)
    await p.produce('next', ['c'], 2)
    await p.produce('to another partition', ['x'], 0, { partition: 2 })
    await p.produce('outside of its transaction', ['no'], 3, { transactional: false })
    await read(to, 'everything', 0)
    await read(to, 'what is committed', 1)
    for (const isolation of [0, 1]) await ends(to, `the end for ${isolation}`, isolation)
    await ends(to, 'a time for readers of what is committed', 1, 1_000)
    await ends(to, 'a time', 0, 1_000)
    await producers(to, 'in a transaction')
    for (const version of [0, 1]) {
      await listed(to, 'all', version, {})
      await listed(to, 'ongoing', version, { stateFilters: ['Ongoing', 'Sleeping'] })
      await listed(to, 'empty', version, { stateFilters: ['Empty'] })
      await listed(to, 'of it', version, { producerIdFilters: [p.me.producerId] })
      await listed(to, 'of somebody else', version, { producerIdFilters: [p.me.producerId + 1_000_000] })
    }
    await listed(to, 'long ones', 1, { durationFilter: 3_600_000 })
    await listed(to, 'by a pattern', 2, { transactionalIdPattern: `${to.topic('')}.*` })
    await listed(to, 'by another', 2, { transactionalIdPattern: 'nothing' })
    await listed(to, 'by nonsense', 2, { transactionalIdPattern: '(' })
    await p.end('commits', true)
    await p.complete()
    await p.end('commits again', true)
    await p.end('aborts what is committed', false)
    await described(to, 'complete', p.id)
    await read(to, 'what is committed', 1)
    await producers(to, 'after it')
    await p.produce('after it', ['no'], 3)

    await p.add('the next', [0])
    await p.produce('the next', ['d'], 3)
    await p.end('aborts', false)
    await p.complete()
    await p.end('aborts again', false)
    for (const version of [4, 11, 12]) await read(to, 'what is committed', 1, version)
    await ends(to, 'the end', 1)

    const before = p.me
    await p.add('the third', [0])
    await p.produce('the third', ['e'], 4)
    await p.init(OLD.init, 'begins anew')
    for (const version of [1, 2, 3]) await p.add('fenced', [0], { version, me: before })
    await p.produce('fenced', ['no'], 5, { me: before })
    for (const version of [1, 2, 4]) await p.end('fenced', true, { version, me: before })
    await read(to, 'what is committed', 1)
    await producers(to, 'fenced')
  },
}

const newer: Scenario = {
  name: 'a transaction of a newer producer',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const p = new Producer(to, 'p')
    await p.init(NEW.init, 'begins')
    const more = { version: NEW.produce }
    await p.end('commits nothing', true, { version: NEW.end })
    await p.endNew('aborts nothing', false)
    await p.produce('first', ['a'], 0, more)
    await p.produce('again', ['a'], 0, more)
    await p.produce('to another partition', ['x'], 0, { ...more, partition: 1 })
    await p.produce('with a gap', ['no'], 5, more)
    await described(to, 'ongoing', p.id)
    await producers(to, 'in a transaction')
    const first = p.me
    await p.endNew('commits', true)
    await p.end('commits again', true, { version: NEW.end, me: first })
    await p.end('aborts what is committed', false, { version: NEW.end, me: first })
    await p.produce('late', ['no'], 1, { ...more, me: first })
    await producers(to, 'after it')
    await p.produce('the second', ['b'], 0, more)
    await read(to, 'what is committed', 1)
    await p.endNew('aborts', false)
    await read(to, 'everything', 0)
    await read(to, 'what is committed', 1)
    await p.produce('a sequence of before', ['no'], 1, more)
    await p.produce('the third', ['c'], 0, more)
    const third = p.me
    await p.init(NEW.init, 'begins anew')
    await p.produce('fenced', ['no'], 1, { ...more, me: third })
    await p.end('fenced', true, { version: NEW.end, me: third })
    await p.end('nobody', true, { version: NEW.end, me: { producerId: 1_000_000_000, producerEpoch: 0 } })
    await read(to, 'what is committed', 1)
  },
}

const timeout: Scenario = {
  name: 'a transaction that takes too long',
  async run(to) {
    await aTopic(to, 't')
    const p = new Producer(to, 'p')
    await p.init(OLD.init, 'begins', 500)
    await p.add('adds', [0])
    await p.produce('produces', ['a'], 0)
    await p.complete()
    await described(to, 'aborted', p.id)
    await p.end('commits', true)
    await p.produce('goes on', ['no'], 1)
    await read(to, 'what is committed', 1)
    const q = new Producer(to, 'q')
    await q.init(NEW.init, 'begins', 500)
    await q.produce('produces', ['b'], 0, { version: NEW.produce })
    await q.complete()
    await q.end('commits', true, { version: NEW.end })
    await q.produce('goes on', ['no'], 1, { version: NEW.produce })
    await described(to, 'aborted', q.id)
    await read(to, 'what is committed', 1)
  },
}

const offsets: Scenario = {
  name: 'offsets in a transaction',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const groupId = await aGroup(to, 'g')
    const p = new Producer(to, 'p')
    await p.init(OLD.init)
    const commit = (what: string, version: number, more: object = {}, committedOffset = 5) =>
      to.call(what, txnOffsetCommit, version, {
        transactionalId: p.id,
        groupId,
        ...p.me,
        generationId: -1,
        memberId: '',
        topics: [
          {
            name: to.topic('t'),
            partitions: [
              { partitionIndex: 0, committedOffset, committedMetadata: 'note' },
              { partitionIndex: 7, committedOffset: 1, committedMetadata: null },
            ],
          },
          { name: to.topic('unknown'), partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] },
        ],
        ...more,
      })
    const fetched = async (what: string, requireStable: boolean) => {
      const topics = [{ name: to.topic('t'), partitionIndexes: [0, 1] }]
      await to.call(what, offsetFetch, 8, { groups: [{ groupId, topics }], requireStable })
      await to.call(what, offsetFetch, 7, { groupId, topics, requireStable, groups: [] })
    }
    const added = (what: string, version: number, more: object = {}) =>
      to.call(what, addOffsetsToTxn, version, { transactionalId: p.id, ...p.me, groupId, ...more })
    for (const version of [3, 4]) await commit('not added', version)
    await added('by nobody', 3, { transactionalId: '' })
    await added('by somebody else', 3, { producerId: p.me.producerId + 1_000_000 })
    for (const version of [1, 2, 3]) await added('from the future', version, { producerEpoch: 9 })
    for (let version = 0; version <= 4; version++) await added('added', version)
    for (let version = 0; version <= 4; version++) await commit('some', version, {}, version)
    await commit('of a generation', 3, { generationId: 3, memberId: 'm' })
    await commit('of a member', 3, { generationId: -1, memberId: 'm' })
    await commit('of an instance', 3, { generationId: -1, groupInstanceId: 'i' })
    await commit('too much metadata', 3, {
      topics: [
        {
          name: to.topic('t'),
          partitions: [{ partitionIndex: 1, committedOffset: 1, committedMetadata: 'x'.repeat(5_000) }],
        },
      ],
    })
    await commit('of no group', 3, { groupId: '' })
    for (const stable of [false, true]) await fetched(`before its end, ${stable}`, stable)
    await p.end('commits', true)
    await p.complete()
    await fetched('committed', true)
    await commit('late', 3, {}, 9)
    await added('the next', 3)
    await commit('the next', 3, {}, 8)
    await p.end('aborts', false)
    await p.complete()
    await fetched('aborted', true)

    await p.init(NEW.init, 'begins anew')
    await commit('without adding', NEW.commit, {}, 11)
    await fetched('before its end', true)
    const before = p.me
    await p.endNew('commits', true)
    await fetched('committed', true)
    await commit('late', NEW.commit, before, 12)
    await fetched('still', true)
  },
}

const byHand: Scenario = {
  name: 'transactions by other hands',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const p = new Producer(to, 'p')
    await p.init(OLD.init)
    const q = new Producer(to, 'q')
    await q.init(OLD.init)
    await q.init(OLD.init)
    const one = (of: Producer, partitions: readonly number[], verifyOnly: boolean, more: object = {}) => ({
      transactionalId: of.id,
      ...of.me,
      verifyOnly,
      topics: [{ name: to.topic('t'), partitions }],
      ...more,
    })
    const add = (what: string, version: number, ...transactions: ReturnType<typeof one>[]) =>
      to.call(what, addPartitionsToTxn, version, {
        transactions,
        v3AndBelowTransactionalId: '',
        v3AndBelowProducerId: 0,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [],
      })
    for (const version of [4, 5]) {
      await add('verifies what is not there', version, one(p, [0], true))
      await add('verifies for nobody', version, one(p, [0], true, { transactionalId: to.topic('nobody') }))
      await add('verifies a fenced one', version, one(p, [0], true, { producerEpoch: -1 }))
    }
    await add('two at once', 4, one(p, [0], false), one(q, [0, 1], false))
    for (const version of [4, 5]) {
      await add('verifies', version, one(p, [0], true), one(q, [1], true))
      await add('verifies one too many', version, one(p, [0, 1], true))
    }
    await p.produce('by one', ['a'], 0)
    await q.produce('by the other', ['b'], 0)
    await read(to, 'what is committed', 1)
    const mark = (what: string, version: number, of: Me, transactionResult: boolean, partitions = [0, 9]) =>
      to.call(what, writeTxnMarkers, version, {
        markers: [
          {
            ...of,
            transactionResult,
            coordinatorEpoch: 0,
            topics: [{ name: to.topic('t'), partitionIndexes: partitions }],
          },
        ],
      })
    await mark('a marker', 1, p.me, true)
    await read(to, 'what is committed', 1)
    await mark('of an old epoch', 1, { ...q.me, producerEpoch: 0 }, true, [0])
    await mark('an abort', 1, q.me, false, [0])
    await read(to, 'what is committed', 1)
    await producers(to, 'after markers')
    await described(to, 'which coordinators do not know', p.id, q.id)
    await p.end('is committed once more', true)
    await p.complete()
    await q.end('is aborted once more', false)
    await q.complete()
    await ends(to, 'the end', 1)
  },
}

export const transactionsInDetail = [beginning, older, newer, timeout, offsets, byHand]
