// `edgelog segments`: what partitions are stored as, batch by batch, as Kafka's DumpLogSegments shows it, and whether all is
// whole. The batches come as they are stored, and are read here.

import type { Command } from 'commander'
import type { Segment, Topic } from '../client/answers.ts'
import {
  type Batch,
  checksumOf,
  codecOf,
  crcOf,
  isControl,
  isTransactional,
  lastOffset,
  lastSequence,
  readBatches,
} from '../src/log/batch.ts'
import { Failed } from './failed.ts'
import { count } from './parse.ts'
import { bold, bytes, counted, print, printJson, printTable, time } from './print.ts'
import { part, Remote } from './remote.ts'

const READ_BYTES = 4_194_304
/** Faults shown. */
const MAX_FAULTS = 20

interface Options {
  readonly partition?: number
  readonly offset?: number
  readonly max?: number
}

export function addSegments(program: Command): void {
  const segments = program.command('segments').description('look at how partitions are stored, and check them')
  const on = (name: string, description: string): Command =>
    segments
      .command(name)
      .description(description)
      .argument('<topic>')
      .option('-p, --partition <partition>', 'this one only', count)

  on('describe', 'show the segments').action(async (topic: string, { partition: only }: Options, command: Command) => {
    const remote = Remote.of(command)
    const all = []
    for (const partition of await partitionsOf(remote, topic, only))
      for (const segment of await segmentsOf(remote, topic, partition)) all.push({ partition, ...segment })
    if (remote.json) return printJson(all)
    printTable(
      ['PARTITION', 'BASE', 'NEXT', 'SIZE', 'ROWS', 'CREATED', 'NEWEST RECORD', 'REWRITTEN', ''],
      all.map(segment => [
        segment.partition,
        segment.baseOffset,
        segment.nextOffset,
        bytes(segment.sizeBytes),
        segment.chunks,
        time(segment.createdMs),
        time(segment.maxTimestamp),
        segment.generation,
        segment.active ? 'active' : '',
      ]),
      'It has no segments.',
    )
  })
  on('dump', 'show the batches')
    .option('-o, --offset <offset>', 'from this offset on', count)
    .option('-n, --max <batches>', 'so many at most', count)
    .action(async (topic: string, { partition: only, offset, max = Infinity }: Options, command: Command) => {
      if (offset !== undefined && only === undefined) throw new Failed('--offset is for one --partition.', 2)
      const remote = Remote.of(command)
      const partitions = await partitionsOf(remote, topic, only)
      let shown = 0
      for (const partition of partitions) {
        if (!remote.json && partitions.length > 1) print(bold(`Dumping ${topic}-${partition}`))
        for await (const batch of batchesOf(remote, topic, partition, offset)) {
          if (shown++ >= max) return
          const told = describe(batch)
          if (remote.json) print(JSON.stringify({ partition, ...told }))
          else
            print(
              Object.entries(told)
                .map(([name, value]) => `${name}: ${String(value)}`)
                .join(' '),
            )
        }
      }
    })
  on('verify', 'read everything, and check that it is whole').action(
    async (topic: string, { partition: only }: Options, command: Command) => {
      const remote = Remote.of(command)
      const all = []
      for (const partition of await partitionsOf(remote, topic, only)) {
        const found = await verify(remote, topic, partition)
        all.push({ partition, ...found })
        if (remote.json) continue
        for (const fault of found.faults) print(fault)
        const { batches, records, sizeBytes } = found
        print(
          `${topic}-${partition}: ${counted(batches, 'batch', 'batches')}, ${counted(records, 'record')}, ${bytes(sizeBytes)}`,
        )
      }
      if (remote.json) printJson(all)
      const broken = all.filter(({ faults }) => faults.length > 0).map(({ partition }) => `${topic}-${partition}`)
      if (broken.length > 0) throw new Failed(`Not whole: ${broken.join(', ')}.`)
      if (!remote.json) print('Everything is whole.')
    },
  )
}

/** The one that is asked for, or all there are. */
async function partitionsOf(remote: Remote, topic: string, only: number | undefined): Promise<readonly number[]> {
  if (only !== undefined) return [only]
  const { partitions } = await remote.get<Topic>(`v1/topics/${part(topic)}`)
  return partitions.map(({ partition }) => partition)
}

const segmentsOf = async (remote: Remote, topic: string, partition: number): Promise<readonly Segment[]> =>
  (await remote.get<{ segments: Segment[] }>(`v1/topics/${part(topic)}/partitions/${partition}/segments`)).segments

/** Everything that is stored, from the oldest batch to the newest of now. */
async function* batchesOf(remote: Remote, topic: string, partition: number, from?: number): AsyncGenerator<Batch> {
  let offset: number | 'earliest' = from ?? 'earliest'
  for (;;) {
    const path = `v1/topics/${part(topic)}/partitions/${partition}/records?offset=${offset}&maxBytes=${READ_BYTES}`
    const response = await remote.fetch(path, { headers: { accept: 'application/vnd.edgelog.recordbatch' } })
    if (!response.ok) throw new Failed(await said(response))
    const stored = new Uint8Array(await response.arrayBuffer())
    if (stored.length === 0) return
    yield* readBatches(stored)
    offset = Number(response.headers.get('edgelog-next-offset'))
  }
}

async function said(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; code?: string }
  return problem.detail === undefined
    ? `The broker answered ${response.status}.`
    : `${problem.detail} (${problem.code})`
}

/** In the words of DumpLogSegments. */
const describe = (batch: Batch) => ({
  baseOffset: batch.baseOffset,
  lastOffset: lastOffset(batch),
  count: batch.count,
  baseSequence: batch.baseSequence,
  lastSequence: lastSequence(batch),
  producerId: batch.producerId,
  producerEpoch: batch.producerEpoch,
  partitionLeaderEpoch: batch.leaderEpoch,
  isTransactional: isTransactional(batch),
  isControl: isControl(batch),
  maxTimestamp: batch.maxTimestamp,
  size: batch.bytes.length,
  magic: 2,
  compresscodec: codecOf(batch),
  crc: crcOf(batch),
  isvalid: checksumOf(batch) === crcOf(batch),
})

interface Found {
  readonly batches: number
  readonly records: number
  readonly sizeBytes: number
  readonly faults: readonly string[]
}

async function verify(remote: Remote, topic: string, partition: number): Promise<Found> {
  const segments = await segmentsOf(remote, topic, partition)
  const compacted = segments.some(({ generation }) => generation > 0)
  const faults: string[] = []
  const fault = (text: string): void => {
    if (faults.length < MAX_FAULTS) faults.push(text)
  }
  let batches = 0
  let records = 0
  let sizeBytes = 0
  let next = -1
  for await (const batch of batchesOf(remote, topic, partition)) {
    batches++
    records += batch.count
    sizeBytes += batch.bytes.length
    const { baseOffset } = batch
    if (checksumOf(batch) !== crcOf(batch)) fault(`The batch at ${baseOffset} is corrupt: its checksum is wrong.`)
    if (baseOffset < next) fault(`The batch at ${baseOffset} lies over the one before it, which ends at ${next - 1}.`)
    if (next >= 0 && baseOffset > next && !compacted) fault(`There is nothing between ${next} and ${baseOffset}.`)
    if (batch.count > batch.lastOffsetDelta + 1) fault(`The batch at ${baseOffset} holds more records than offsets.`)
    next = lastOffset(batch) + 1
  }
  for (const [i, { baseOffset, nextOffset }] of segments.entries()) {
    const before = segments[i - 1]
    if (before !== undefined && before.nextOffset > baseOffset)
      fault(`The segment at ${baseOffset} begins before the one before it ends, at ${before.nextOffset}.`)
    if (nextOffset < baseOffset) fault(`The segment at ${baseOffset} ends before it begins.`)
  }
  return { batches, records, sizeBytes, faults }
}
