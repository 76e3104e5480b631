// What stands on Kafka and on exactly-once: Streams, Connect, MirrorMaker, the verifiable clients, the tools that measure
// and look into transactions. Each part has a broker of its own, which may be killed, and must have nothing to complain of.

import type { Checks } from './checks.ts'
import { connect } from './connect.ts'
import { haveEcosystem } from './kafka.ts'
import { type Killable, startKillable } from './killable.ts'
import { mirror } from './mirror.ts'
import { performance } from './performance.ts'
import { exactlyOnce } from './streams.ts'
import { verifiable } from './verifiable.ts'
import { wordCount } from './wordcount.ts'

/** No wait for more members, since a test knows who comes, and none that is long for members that were killed. */
const VARS = {
  EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  EDGELOG_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS: '6000',
  EDGELOG_GROUP_CONSUMER_SESSION_TIMEOUT_MS: '6000',
}

interface Part {
  readonly name: string
  readonly steps: readonly ((checks: Checks, broker: Killable) => Promise<void>)[]
}

export const PARTS: readonly Part[] = [
  { name: 'verifiable', steps: [verifiable] },
  { name: 'performance', steps: [performance] },
  { name: 'streams', steps: [wordCount, exactlyOnce] },
  { name: 'connect', steps: [connect] },
  { name: 'mirror', steps: [mirror] },
]

export async function ecosystem(checks: Checks, parts: readonly Part[]): Promise<void> {
  let isThere = false
  await checks.check('Streams, Connect and MirrorMaker are there', async () => {
    isThere = await haveEcosystem()
    if (!isThere) throw new Error('Java 17 with its compiler and Maven are needed')
  })
  if (!isThere) return
  for (const { name, steps } of parts) {
    const broker = await startKillable(VARS)
    try {
      for (const step of steps) await step(checks, broker)
    } catch (error) {
      await checks.check(`${name}: to the end`, () => Promise.reject(error))
    }
    await checks.check(`${name}: the broker has nothing to complain of, either`, async () => {
      const lines = broker.log.split('\n').filter(line => /^(warn|error) /.test(line))
      if (lines.length > 0) throw new Error(lines.slice(0, 20).join('\n'))
    })
    await broker.close()
  }
}
