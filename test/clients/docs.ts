// The blocks of README and docs that need kcat or Kafka's tools, run in a shell as their reader would. All others are run by
// `npm test`.

import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { startBroker } from '../../testing/broker.ts'
import { blocksOf, needsMore, pages } from '../docs/pages.ts'
import type { Checks } from './checks.ts'
import { haveKafka, toolCommand } from './kafka.ts'
import { expectOk, run, temporaryFolder } from './run.ts'

/** A consumer in a group stays; it has read what there is by then. */
const STAYS_S = 10

export async function docs(checks: Checks): Promise<void> {
  await checks.check("Kafka's tools for the blocks of docs are there", async () => {
    if (!(await haveKafka())) throw new Error('Java 17 and Maven are needed')
  })
  const programs = temporaryFolder()
  const [java, args] = toolCommand('TopicCommand', [])
  const tool = join(programs, 'kafka-topics.sh')
  writeFileSync(tool, `#!/bin/sh\nexec ${[java, ...args].map(arg => `'${arg}'`).join(' ')} "$@"\n`)
  chmodSync(tool, 0o755)
  for (const page of pages) {
    const blocks = blocksOf(page).filter(({ language, text }) => language === 'sh' && needsMore(text))
    if (blocks.length === 0) continue
    const broker = await startBroker()
    await fetch(new URL('/v1/topics/trips/records', broker.http), { method: 'POST', body: 'a trip' })
    for (const { text } of blocks)
      await checks.check(`${page}: ${text.split('\n', 1)[0]}`, async () => {
        const script = text
          .replaceAll('localhost:9092', `localhost:${broker.kafka}`)
          .replaceAll(/^(kcat .* -G .*)$/gm, `timeout ${STAYS_S} $1 || [ $? = 124 ]`)
        expectOk(
          await run('bash', ['-e', '-o', 'pipefail', '-c', script], {
            env: { PATH: [programs, process.env['PATH']].join(delimiter) },
            timeoutMs: 120_000,
          }),
        )
      })
    await broker.close()
  }
}
