// `edgelog/testing`: a whole broker inside a test. It starts in a quarter of a second on free ports and a temporary folder, so
// tests run beside each other; its clock can be moved, and it can be made to forget, or to die, in the middle of anything.

import { randomUUID } from 'node:crypto'
import { readBrokerConfig } from '../src/cluster/broker-configs.ts'
import { isFailure } from '../src/protocol/errors.ts'
import { DataFolderInUse } from './folder.ts'
import { launch } from './launch.ts'
import type { LaunchOptions } from './options.ts'
import { HOST, PortInUse } from './ports.ts'
import { SECRET_HEADER, type Word } from './word.ts'

export { DataFolderInUse, PortInUse }

export interface TestBrokerOptions extends LaunchOptions {
  /** Kafka's broker configs: `{ 'num.partitions': 3 }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

export interface TestBroker extends AsyncDisposable {
  /** `http://127.0.0.1:31801`; paths begin after it. */
  readonly http: string
  /** `localhost:31802`, for the `brokers` or `bootstrap.servers` of a Kafka client. Several ports, by commas. */
  readonly kafka: string
  /** The folder that keeps everything. */
  readonly data: string
  /** Moves the broker's clock forward. What falls due by then is done when this resolves: retention, sessions, transactions. */
  advance(ms: number): Promise<void>
  /** Every object's memory is dropped, as Cloudflare may do between any two requests. One that is at work just then stays. */
  evict(): Promise<void>
  /** The broker is killed outright and started again, on the same ports and folder. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startBroker({ config = {}, ...options }: TestBrokerOptions = {}): Promise<TestBroker> {
  const secret = randomUUID()
  const vars = { ...configVars(config), ...options.vars, EDGELOG_TESTING: secret }
  const launched = await launch('testing', { ...options, vars })
  const http = `http://${HOST}:${launched.httpPort}`
  const close = (): Promise<void> => launched.close()
  const tell = async (word: Omit<Word, 'objects'>): Promise<void> => {
    const body = JSON.stringify({ ...word, objects: await launched.objects() } satisfies Word)
    const answer = await fetch(http, { method: 'POST', headers: { [SECRET_HEADER]: secret }, body })
    if (answer.status !== 204) throw new Error(`The broker could not do that: ${await answer.text()}`)
  }
  let aheadMs = 0
  return {
    http,
    kafka: launched.kafkaPorts.map(port => `localhost:${port}`).join(','),
    data: launched.folder.path,
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`The clock goes forward only, not by ${ms} ms.`)
      aheadMs += ms
      await tell({ aheadMs })
    },
    evict: () => tell({ evict: true }),
    restart: () => launched.again({ EDGELOG_TESTING_AHEAD_MS: String(aheadMs) }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** `num.partitions` is EDGELOG_NUM_PARTITIONS to the Worker. */
const configVars = (config: NonNullable<TestBrokerOptions['config']>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      const read = readBrokerConfig(name, String(value))
      if (isFailure(read)) throw new RangeError(read.message)
      return [`EDGELOG_${name.toUpperCase().replaceAll('.', '_')}`, read]
    }),
  )
