// `edgelog consume`: records as they come, or those that are there.

import { type Command, Option } from 'commander'
import type { Topic } from '../client/answers.ts'
import type { ConsumedRecord, ConsumeOptions } from '../client/index.ts'
import { Failed } from './failed.ts'
import { firstAt } from './offsets.ts'
import { count, duration } from './parse.ts'
import { coloured, dim, key as colouredKey, print } from './print.ts'
import { part, Remote } from './remote.ts'

interface Options {
  readonly fromBeginning?: boolean
  readonly offset?: string
  readonly since?: number
  readonly partition?: number
  readonly group?: string
  readonly max?: number
  readonly exit?: boolean
  readonly format: 'text' | 'json' | 'base64'
  readonly isolation: 'read_committed' | 'read_uncommitted'
}

export function addConsume(program: Command): void {
  program
    .command('consume')
    .description('read records: from now on, as they come, unless told otherwise')
    .argument('<topic...>')
    .addOption(new Option('-b, --from-beginning', 'from the oldest record on').conflicts(['offset', 'since']))
    .addOption(
      new Option('-o, --offset <offset>', 'from this offset on; -10: the last ten of each partition').conflicts(
        'since',
      ),
    )
    .option('-s, --since <duration>', 'from records of that long ago on: 1h', duration)
    .option('-p, --partition <partition>', 'this one only', count)
    .option('-g, --group <group>', 'as a member of a consumer group, which remembers how far it read')
    .option('-n, --max <records>', 'so many, then end', count)
    .option('-e, --exit', 'end where there is no more for now')
    .addOption(new Option('--format <format>', 'what values are').choices(['json', 'text', 'base64']).default('json'))
    .addOption(
      new Option('--isolation <level>').choices(['read_committed', 'read_uncommitted']).default('read_uncommitted'),
    )
    .action(async (topics: string[], options: Options, command: Command) => {
      const remote = Remote.of(command)
      await consume(remote, topics, options)
    })
}

async function consume(remote: Remote, topics: readonly string[], options: Options): Promise<void> {
  const { partition, group, max = Number.POSITIVE_INFINITY, exit } = options
  if (exit && group !== undefined) throw new Failed('--exit and --group do not go together: others may read on.', 2)
  if (partition !== undefined && topics.length > 1) throw new Failed('--partition is for one topic.', 2)
  await remote.reached()
  const left = exit ? await endsOf(remote, topics, partition, options) : undefined
  const show = shownAs(remote.json, topics.length > 1)
  const leave = new AbortController()
  let read = 0
  const done = (): boolean => read >= max || left?.size === 0
  if (!done()) {
    const consumer = remote.client.consume(topics, {
      format: options.format,
      isolation: options.isolation,
      signal: leave.signal,
      ...beginning(options),
      ...(partition === undefined ? {} : { partitions: [partition] }),
      ...(group === undefined ? {} : { group }),
    })
    // What was shown is read: it does not come again.
    const commitShown = async (): Promise<void> => {
      if (group !== undefined) await consumer.commit().catch(() => {})
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => void commitShown().finally(() => leave.abort()))
    for await (const record of consumer) {
      print(show(record))
      read++
      const place = `${record.topic ?? topics[0]}-${record.partition}`
      if (record.offset + 1 >= (left?.get(place) ?? Number.POSITIVE_INFINITY)) left!.delete(place)
      if (!done()) continue
      await commitShown()
      break
    }
  }
  await remote.client.close()
}

function beginning({ fromBeginning, offset, since, group }: Options): ConsumeOptions {
  if (since !== undefined) return { timestamp: Date.now() - since }
  if (fromBeginning || offset === 'earliest') return { offset: 'earliest' }
  if (offset === undefined) return group === undefined ? { offset: 'latest' } : {}
  if (offset === 'latest') return { offset }
  const number = Number(offset)
  if (!Number.isSafeInteger(number))
    throw new Failed(`--offset takes earliest, latest, an offset or -N, not "${offset}".`, 2)
  return { offset: number }
}

/** Where to end, by partition: those alone that have something to read before it. */
async function endsOf(
  remote: Remote,
  topics: readonly string[],
  only: number | undefined,
  options: Options,
): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const name of topics) {
    const topic = await remote.get<Topic>(`v1/topics/${part(name)}`)
    if (only !== undefined && topic.partitions[only] === undefined)
      throw new Failed(`${name} has the partitions 0 to ${topic.partitions.length - 1}, not ${only}.`)
    for (const { partition, logStartOffset = 0, highWatermark = 0 } of topic.partitions) {
      if (only !== undefined && partition !== only) continue
      const end = await lastBefore(remote, name, partition, logStartOffset, highWatermark, options.isolation)
      const { offset, timestamp } = beginning(options)
      const found = timestamp === undefined ? undefined : ((await firstAt(remote, name, partition, timestamp)) ?? end)
      const from = found ?? (typeof offset === 'number' ? offset : offset === 'earliest' ? logStartOffset : end)
      if ((from < 0 ? highWatermark + from : from) < end) ends.set(`${name}-${partition}`, end)
    }
  }
  return ends
}

interface Read {
  readonly records: readonly { readonly offset: number }[]
}

/** The offset after the last record that is shown: below the end there may be markers, gaps, and what is not committed. */
async function lastBefore(
  remote: Remote,
  topic: string,
  partition: number,
  start: number,
  end: number,
  isolation: string,
): Promise<number> {
  for (let at = end - 1; at >= start; at = Math.max(start, at - 100)) {
    const path = `v1/topics/${part(topic)}/partitions/${partition}/records?offset=${at}&format=base64&limit=1000&isolation=${isolation}`
    const last = (await remote.get<Read>(path)).records.at(-1)
    if (last !== undefined) return last.offset + 1
    if (at === start) break
  }
  return start
}

const shownAs =
  (json: boolean, named: boolean) =>
  (record: ConsumedRecord): string => {
    if (json) return JSON.stringify(record)
    const { topic, partition, offset, key, value } = record
    const place = dim(`${named ? `${topic} ` : ''}${partition}:${offset}`)
    const text = typeof value === 'string' ? value : coloured(JSON.stringify(value))
    return `${place}  ${key === null ? '' : `${colouredKey(String(key))}  `}${text}`
  }
