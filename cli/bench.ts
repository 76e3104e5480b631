// `edgelog bench`: a quick figure of a broker, from here. What stands in bench/ measures thoroughly; this asks what one
// program on this machine gets.

import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { count } from './parse.ts'
import { printJson, printTable } from './print.ts'
import { part, Remote } from './remote.ts'

const TOGETHER = 1_000

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('write and read records in a topic of its own, and say how fast that went')
    .option('-n, --records <count>', 'so many', count, 100_000)
    .option('-s, --size <bytes>', 'of each value', count, 100)
    .action(async ({ records, size }: { records: number; size: number }, command: Command) => {
      const remote = Remote.of(command)
      const topic = `edgelog-bench-${randomBytes(4).toString('hex')}`
      await remote.send('POST', 'v1/topics', { name: topic, partitions: 1 })
      try {
        const figures = [await single(remote, topic), await written(remote, topic, records, size)]
        figures.push(await read(remote, topic, records))
        if (remote.json) return printJson(figures)
        printTable(
          ['', 'RECORDS', 'RECORDS/S', 'MS'],
          figures.map(({ what, records: done, perSecond, ms }) => [what, done, perSecond, ms]),
          '',
        )
      } finally {
        await remote.send('DELETE', `v1/topics/${part(topic)}`)
      }
    })
}

interface Figure {
  readonly what: string
  readonly records: number
  readonly perSecond: number
  readonly ms: number
}

const figure = (what: string, records: number, ms: number): Figure => ({
  what,
  records,
  perSecond: Math.round((records * 1_000) / ms),
  ms: Math.round(ms),
})

/** One after the other, each on disk before the next. */
async function single(remote: Remote, topic: string): Promise<Figure> {
  const calls = 200
  const begunMs = performance.now()
  for (let i = 0; i < calls; i++) await remote.send('POST', `v1/topics/${part(topic)}/records`, { value: i })
  return figure('write, one by one', calls, performance.now() - begunMs)
}

async function written(remote: Remote, topic: string, records: number, size: number): Promise<Figure> {
  const value = 'x'.repeat(size)
  const begunMs = performance.now()
  for (let sent = 0; sent < records; sent += TOGETHER) {
    const together = Array.from({ length: Math.min(TOGETHER, records - sent) }, () => ({ value }))
    await remote.client.send(topic, together)
  }
  await remote.client.flush()
  return figure('write, together', records, performance.now() - begunMs)
}

async function read(remote: Remote, topic: string, records: number): Promise<Figure> {
  const begunMs = performance.now()
  let got = 0
  for await (const _ of remote.client.consume(topic, { offset: 'earliest' })) if (++got >= records) break
  return figure('read over a WebSocket', got, performance.now() - begunMs)
}
