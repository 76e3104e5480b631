// `edgelog offsets`: where a topic's partitions begin and end, or stood at a time.

import type { Command } from 'commander'
import type { Topic } from '../client/answers.ts'
import { timestamp } from './parse.ts'
import { printJson, printTable } from './print.ts'
import { part, Remote } from './remote.ts'

export function addOffsets(program: Command): void {
  program
    .command('offsets')
    .description('show where the partitions of a topic begin and end')
    .argument('<topic>')
    .option('-t, --time <time>', 'and the first offset of this time or later: a date, or ms since 1970', timestamp)
    .action(async (name: string, { time }: { time?: number }, command: Command) => {
      const remote = Remote.of(command)
      const { partitions } = await remote.get<Topic>(`v1/topics/${part(name)}`)
      const rows = []
      for (const { partition, logStartOffset, highWatermark } of partitions) {
        const at = time === undefined ? {} : { atTime: await firstAt(remote, name, partition, time) }
        rows.push({ partition, earliest: logStartOffset, latest: highWatermark, ...at })
      }
      if (remote.json) return printJson(rows)
      printTable(
        ['PARTITION', 'EARLIEST', 'LATEST', ...(time === undefined ? [] : ['AT TIME'])],
        rows.map(row => Object.values(row)),
        'It has no partitions.',
      )
    })
}

/** Null: everything is older. */
export async function firstAt(remote: Remote, topic: string, partition: number, ms: number): Promise<number | null> {
  const path = `v1/topics/${part(topic)}/partitions/${partition}/records?timestamp=${ms}&limit=1&format=base64`
  const { records } = await remote.get<{ records: { offset: number }[] }>(path)
  return records[0]?.offset ?? null
}
