// A consumer instance while it is in memory: a Kafka consumer that lives in the broker. It is a member of its group like any
// other, or has partitions assigned by hand. How far it has read is positions.ts; that it is remembered, object.ts.

import { isInternalTopic } from '../../../cluster/topics.ts'
import type { NamedPartitions } from '../../../coordinator/consumer-protocol.ts'
import { compileRegex } from '../../../protocol/regex.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import type { Broker } from '../../broker.ts'
import type { ContentReader } from '../../formats.ts'
import { commitFromOutside } from '../../group-offsets.ts'
import { ClassicMember } from '../../live/classic-member.ts'
import { ConsumerMember } from '../../live/consumer-member.ts'
import type { GroupReader, Membership } from '../../live/membership.ts'
import { readFormat } from '../../registry/decoding.ts'
import { fromKafka, isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import { commitOffsets, type Committer, committedOffsets, type OffsetToCommit } from './offsets.ts'
import { Polled } from './polled.ts'
import { type Beginning, Positions, type Seek } from './positions.ts'
import type { Reads, StoredConsumer, TopicPartition } from './stored.ts'

/** Kafka's session.timeout.ms and auto.commit.interval.ms. */
const SESSION_TIMEOUT_MS = 45_000
const AUTO_COMMIT_MS = 5_000
/** How long seeks, and looks at the assignment, wait for the group to settle. */
const SETTLE_MS = 5_000
/** After something that may pass, until it is looked at again. */
const RETRY_MS = 100

type Subscription = Extract<Reads, { from: 'topics' | 'pattern' }>

export class RestConsumer implements GroupReader {
  readonly #broker: Broker
  readonly #of: StoredConsumer
  readonly #remember: (changes: Partial<StoredConsumer>) => void
  readonly #positions: Positions
  readonly #schemas: ContentReader | undefined
  #reads: Reads = { from: 'nothing' }
  #topics: readonly string[] = []
  #member: Membership | undefined
  /** As the group knows it, so that after a loss of memory it is no stranger there. */
  #memberId: string | undefined
  /** Why there is no membership any more. */
  #failed: Failure | undefined
  /** Whoever assigns has said what is read. */
  #settled = false
  #waiting: (() => void)[] = []
  /** Ends a read whose partitions are no longer these. */
  #moved = new AbortController()
  #polling: Promise<unknown> = Promise.resolve()
  #committedMs = Date.now()

  /** `remember` is told what has to outlive this memory. */
  constructor(broker: Broker, of: StoredConsumer, remember: (changes: Partial<StoredConsumer>) => void) {
    this.#broker = broker
    this.#of = of
    this.#remember = remember
    this.#positions = new Positions(broker, of)
    const { schemas } = readFormat(broker, { format: 'schema', keyFormat: 'schema' })
    this.#schemas = of.format === 'binary' || of.format === 'json' ? undefined : schemas
  }

  /** Whether it must not sleep, for its group's sake. */
  get isMember(): boolean {
    return this.#reads.from === 'topics' || this.#reads.from === 'pattern'
  }

  get topics(): readonly string[] {
    return this.#topics
  }

  /** Goes on with what it read before its memory was lost. */
  async resume(): Promise<void> {
    const { reads, memberId } = this.#of
    this.#memberId = memberId
    if (reads.from === 'assignment') await this.#assign(reads.partitions)
    else if (reads.from !== 'nothing') await this.#subscribe(reads)
  }

  async subscribe(reads: Subscription): Promise<RestFailure | null> {
    if (this.#reads.from !== 'nothing' && this.#reads.from !== reads.from) return EXCLUSIVE
    if (reads.from === 'pattern' && isFailure(compileRegex(reads.pattern)))
      return restFailure(422, `topic_pattern cannot be matched here: ${reads.pattern}`)
    await this.#letGo()
    await this.#subscribe(reads)
    this.#remember({ reads })
    return null
  }

  async unsubscribe(): Promise<void> {
    await this.#letGo()
    this.#reads = { from: 'nothing' }
    this.#remember({ reads: this.#reads })
  }

  async assign(partitions: readonly TopicPartition[]): Promise<RestFailure | null> {
    if (this.#reads.from === 'topics' || this.#reads.from === 'pattern') return EXCLUSIVE
    if (partitions.length === 0) {
      await this.unsubscribe()
      return null
    }
    await this.#autoCommit()
    const failed = await this.#assign(partitions)
    if (failed !== undefined) return fromKafka(failed)
    this.#rememberPositions()
    return null
  }

  async assignment(): Promise<TopicPartition[]> {
    await this.#settle(SETTLE_MS)
    return this.#positions.list().map(({ topic, partition }) => ({ topic, partition }))
  }

  async seek(seeks: readonly Seek[]): Promise<RestFailure | null> {
    await this.#settle(SETTLE_MS)
    const stray = seeks.find(seek => !this.#positions.has(seek))
    if (stray !== undefined)
      return restFailure(40903, `Illegal state: No current assignment for partition ${stray.topic}-${stray.partition}`)
    const failed = await this.#positions.seek(seeks)
    this.#rememberPositions()
    this.#move()
    return failed === undefined ? null : fromKafka(failed)
  }

  /** These, or how far everything was read. */
  async commit(offsets: readonly OffsetToCommit[] | undefined): Promise<RestFailure | null> {
    const failed =
      offsets === undefined
        ? await this.#positions.commit(this.#committer)
        : await commitOffsets(this.#broker, this.#committer, offsets)
    return failed === undefined ? null : fromKafka(failed)
  }

  async committed(partitions: readonly TopicPartition[]): Promise<OffsetToCommit[] | RestFailure> {
    const found = await committedOffsets(this.#broker, this.#of.group, partitions)
    return isFailure(found) ? fromKafka(found) : found
  }

  /** Reads that come at the same time take turns. `timeoutMs` is at most what the instance was made with. */
  poll(timeoutMs?: number, maxBytes?: number): Promise<Uint8Array<ArrayBuffer> | RestFailure> {
    const polled = this.#polling.then(() => this.#poll(timeoutMs, maxBytes)).finally(() => this.#positions.rest())
    this.#polling = polled.catch(() => {})
    return polled
  }

  /** Commits, gives its partitions back and reads no more. */
  close(): Promise<void> {
    return this.#letGo()
  }

  /** Topics that the pattern matches come and go. */
  async refresh(): Promise<void> {
    const reads = this.#reads
    if (reads.from !== 'pattern') return
    const topics = await this.#matching(reads)
    if (this.#reads !== reads || topics.join() === this.#topics.join()) return
    await this.#letGo()
    await this.#subscribe(reads)
  }

  async assigned(partitions: NamedPartitions): Promise<void> {
    const failed = await this.#positions.begin(await this.#known(flat(partitions)))
    if (failed !== undefined) this.#failed = failed
    this.#settled = true
    this.#move()
  }

  async revoked(partitions: NamedPartitions): Promise<void> {
    const given = flat(partitions)
    if (this.#of.autoCommit) await this.#positions.commit(this.#committer, given)
    this.lost(partitions)
  }

  lost(partitions: NamedPartitions): void {
    this.#positions.drop(flat(partitions))
    this.#settled = false
    this.#move()
  }

  async #poll(
    timeoutMs = this.#of.waitMs,
    maxBytes = Number.MAX_SAFE_INTEGER,
  ): Promise<Uint8Array<ArrayBuffer> | RestFailure> {
    if (this.#reads.from === 'nothing') return NOTHING_TO_READ
    const { waitMs, minBytes, format } = this.#of
    const deadlineMs = Date.now() + Math.min(timeoutMs, waitMs)
    await this.#autoCommit(AUTO_COMMIT_MS)
    const polled = new Polled(format, maxBytes, this.#schemas)
    // First what is there; then it is waited for.
    for (let waits = false; ; waits = true) {
      const failed = await this.#rejoin()
      if (failed !== undefined) return fromKafka(failed)
      const leftMs = () => (waits ? Math.max(0, deadlineMs - Date.now()) : 0)
      await this.#settle(leftMs())
      if (this.#positions.size === 0) await this.#change(Math.min(leftMs(), RETRY_MS))
      else {
        const limits = { minBytes: Math.max(1, minBytes - polled.bytes), maxBytes, maxWaitMs: leftMs() }
        const wrong = await this.#positions.read(polled, limits, this.#moved.signal)
        if (wrong !== undefined && polled.count === 0) return isRestFailure(wrong) ? wrong : fromKafka(wrong)
      }
      if (polled.full || (polled.count > 0 && polled.bytes >= minBytes) || Date.now() >= deadlineMs) break
    }
    if (polled.count > 0) this.#rememberPositions()
    return polled.done()
  }

  /** A member that fell out of its group, which may pass, is another one now. */
  async #rejoin(): Promise<Failure | undefined> {
    const failed = this.#failed
    if (failed === undefined) return undefined
    this.#failed = undefined
    const reads = this.#reads
    if (reads.from !== 'topics' && reads.from !== 'pattern') return failed
    await this.#letGo()
    await this.#subscribe(reads)
    return failed
  }

  async #subscribe(reads: Subscription): Promise<void> {
    this.#reads = reads
    this.#settled = false
    const topics = reads.from === 'topics' ? reads.topics : await this.#matching(reads)
    this.#topics = topics
    if (topics.length === 0) return
    const { group, name } = this.#of
    const grouped = await this.#broker.groups.ask(group, { type: 'describeConsumer' })
    const Member = isFailure(grouped) ? ClassicMember : ConsumerMember
    const member: Membership = new Member({
      broker: this.#broker,
      reader: this,
      groupId: group,
      instanceId: null,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      topics,
      clientHost: '/',
      clientId: name,
      memberId: this.#memberId,
      named: memberId => {
        this.#memberId = memberId
        this.#remember({ memberId })
      },
    })
    this.#member = member
    void this.#takePart(member)
  }

  async #takePart(member: Membership): Promise<void> {
    const failed = await this.#partIn(member)
    if (this.#member !== member) return
    this.#member = undefined
    this.#failed = failed
    this.#move()
  }

  async #partIn(member: Membership): Promise<Failure | undefined> {
    try {
      return (await member.begin()) ?? (await member.run())
    } catch (error) {
      // The cluster did not answer, say: the next read begins anew.
      return failure('COORDINATOR_NOT_AVAILABLE', String(error))
    }
  }

  async #assign(partitions: readonly (TopicPartition & { readonly offset?: number })[]): Promise<Failure | undefined> {
    const known = await this.#known(partitions)
    if (known.length < partitions.length) return failure('UNKNOWN_TOPIC_OR_PARTITION')
    this.#positions.clear()
    this.#reads = { from: 'assignment', partitions }
    const failed = await this.#positions.begin(known)
    this.#settled = true
    this.#move()
    return failed
  }

  /** Commits and leaves; then nothing is read. */
  async #letGo(): Promise<void> {
    await this.#autoCommit()
    const member = this.#member
    this.#member = undefined
    this.#memberId = undefined
    this.#failed = undefined
    this.#positions.clear()
    this.#topics = []
    this.#settled = false
    this.#move()
    await member?.leave()
  }

  /** Where that is wanted, and not sooner than so after the last time. */
  async #autoCommit(afterMs = 0): Promise<void> {
    if (!this.#of.autoCommit || Date.now() - this.#committedMs < afterMs) return
    this.#committedMs = Date.now()
    // What cannot be committed is read again by whoever comes; that is all that is promised.
    await this.#positions.commit(this.#committer)
  }

  readonly #committer: Committer = topics =>
    this.#member?.commit(topics) ?? commitFromOutside(this.#broker, this.#of.group, topics)

  /** How far was read of what no group remembers. */
  #rememberPositions(): void {
    if (this.#reads.from !== 'assignment') return
    this.#reads = { from: 'assignment', partitions: this.#positions.list() }
    this.#remember({ reads: this.#reads })
  }

  /** Those that there are. */
  async #known(partitions: readonly (TopicPartition & { readonly offset?: number })[]): Promise<Beginning[]> {
    const { byName } = await this.#broker.topics({ fresh: true })
    return partitions.flatMap(({ topic: name, partition, ...rest }) => {
      const topic = byName.get(name)
      return topic === undefined || partition >= topic.partitions ? [] : [{ topic, partition, ...rest }]
    })
  }

  async #matching({ pattern }: Extract<Subscription, { from: 'pattern' }>): Promise<readonly string[]> {
    const matches = compileRegex(pattern)
    if (isFailure(matches)) return []
    const { topics } = await this.#broker.view({ fresh: true })
    return topics
      .map(({ name }) => name)
      .filter(name => !isInternalTopic(name) && matches(name))
      .sort()
  }

  /** Waits until it is known what is read. */
  async #settle(ms: number): Promise<void> {
    const deadlineMs = Date.now() + ms
    while (!this.#settled && this.#member !== undefined && this.#failed === undefined && Date.now() < deadlineMs)
      await this.#change(deadlineMs - Date.now())
  }

  /** The next change of what is read, or the end of the time. */
  async #change(ms: number): Promise<void> {
    if (ms <= 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #move(): void {
    this.#moved.abort()
    this.#moved = new AbortController()
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

const EXCLUSIVE = restFailure(
  40903,
  'Illegal state: Subscription to topics, partitions and pattern are mutually exclusive',
)

const NOTHING_TO_READ = restFailure(
  40903,
  'Illegal state: Consumer is not subscribed to any topics or assigned any partitions',
)

const flat = (partitions: NamedPartitions): TopicPartition[] =>
  partitions.flatMap(({ topic, partitions: numbers }) => numbers.map(partition => ({ topic, partition })))
