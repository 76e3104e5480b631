// A whole broker on this machine, on the clock of this machine. `npm start`, our own tests, the bench and the demo start it
// here; tests of other projects have a clock of their own, and more (index.ts).

import { DataFolderInUse } from './folder.ts'
import { launch } from './launch.ts'
import type { LaunchOptions } from './options.ts'
import { HOST, PortInUse } from './ports.ts'

export { DataFolderInUse, PortInUse }

export interface Broker {
  readonly http: URL
  /** The first Kafka port; `kafkaPorts` has all. */
  readonly kafka: number
  readonly kafkaPorts: readonly number[]
  readonly data: string
  close(): Promise<void>
}

export async function startBroker(options: LaunchOptions = {}): Promise<Broker> {
  const launched = await launch('worker', options)
  const { httpPort, kafkaPorts, folder } = launched
  return {
    http: new URL(`http://${HOST}:${httpPort}`),
    kafka: kafkaPorts[0] ?? 0,
    kafkaPorts,
    data: folder.path,
    close: () => launched.close(),
  }
}
