// Kafka Streams' own demo, which counts words, stopped and started on the way, and the tool that resets an application.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientOf, createTopics, follow, send } from './beside.ts'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { expectNoComplaints, startJava, until } from './jvm.ts'
import { tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk, temporaryFolder } from './run.ts'

/** What Streams says of itself, and while topics it has asked for are on their way. */
export const EXPECTED_OF_STREAMS = [
  /Explicit naming for internal resources is currently disabled/,
  /Processing exception handler is not enabled for the GlobalThread/,
  /Using an OS temp directory in the state.dir/,
  /The metadata response from the cluster reported a recoverable issue .*=UNKNOWN_TOPIC_OR_PARTITION\}/,
]
export async function wordCount(checks: Checks, { port }: Killable): Promise<void> {
  const folder = temporaryFolder()
  const properties = join(folder, 'streams.properties')
  writeFileSync(properties, `bootstrap.servers=localhost:${port}\nstate.dir=${folder}\ncommit.interval.ms=500\n`)
  const start = () =>
    startJava('org.apache.kafka.streams.examples.wordcount.WordCountDemo', [properties], { name: 'wordcount' })
  const [input, output] = ['streams-plaintext-input', 'streams-wordcount-output']
  const kafka = clientOf(port)
  await createTopics(kafka, [input, output], 1)
  const lines = [
    'all streams lead to kafka',
    'Hello Kafka streams',
    'join kafka summit',
    'all the streams of the world',
  ]
  const expected = new Map<string, number>()
  const seen = await follow(kafka, [output])
  await checks.check('Streams: WordCountDemo counts words, and goes on where it was stopped', async () => {
    const logs = []
    for (let i = 0; i < 2; i++) {
      const demo = start()
      await send(
        kafka,
        input,
        lines.map(value => ({ key: null, value: `${value} ${i}` })),
      )
      for (const line of lines)
        for (const word of `${line} ${i}`.toLowerCase().split(' ')) expected.set(word, (expected.get(word) ?? 0) + 1)
      const found = () => new Map(seen.records(output).map(({ key, value }) => [key, Number(value.readBigInt64BE())]))
      const sorted = (counts: ReadonlyMap<string, number>) => JSON.stringify([...counts].toSorted())
      await until('the counts of plain code', () => sorted(found()) === sorted(expected), { programs: [demo] })
      await demo.stop()
      logs.push(demo.log)
    }
    expectNoComplaints(logs.join('\n'), EXPECTED_OF_STREAMS)
  })
  await checks.check('Streams: its reset tool forgets offsets and deletes internal topics', async () => {
    const bootstrap = ['--bootstrap-server', `localhost:${port}`]
    const of = ['--application-id', 'streams-wordcount', '--input-topics', input, '--force']
    expectSaid(expectOk(await tool('StreamsResetter', [...bootstrap, ...of])).stdout, /Reset-offsets for input topics/)
    const left = expectOk(await tool('TopicCommand', [...bootstrap, '--list'])).stdout
    expectEqual(/streams-wordcount-KSTREAM/.test(left), false, 'internal topics left')
  })
  await seen.close()
}
