// Load in a closed loop: so many workers, each with one request on its way, for so long. What is measured begins after the
// warm-up and is the same for every door.

import { Connection } from './connection.ts'

/** What one measurement found; times in milliseconds. */
export interface Measured {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface LoadOptions {
  readonly workers: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** `turn` is one request and its answer, by the worker of that number. */
export async function load(
  { workers, seconds, warmUpSeconds }: LoadOptions,
  turn: (worker: number) => Promise<void>,
): Promise<Measured> {
  const latencies: number[] = []
  const from = performance.now() + warmUpSeconds * 1000
  const until = from + seconds * 1000
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      for (let start = performance.now(); start < until;) {
        await turn(worker)
        const end = performance.now()
        if (start >= from && end <= until) latencies.push(end - start)
        start = end
      }
    }),
  )
  return { perSecond: latencies.length / seconds, ...percentiles(latencies) }
}

export function percentiles(latenciesMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(latenciesMs).toSorted()
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Load over HTTP: each worker has a connection of its own, and anything but 200 ends the bench. */
export async function loadHttp(
  http: URL,
  options: LoadOptions,
  next: (worker: number) => Uint8Array,
  seen: (head: string, worker: number, bodyBytes: number) => void = () => {},
): Promise<Measured> {
  const connections = await Promise.all(Array.from({ length: options.workers }, () => Connection.open(http)))
  try {
    return await load(options, async worker => {
      const { status, head, bodyBytes } = await connections[worker]!.request(next(worker))
      if (status !== 200) throw new Error(`The broker answered ${head.split('\r\n')[0]}`)
      seen(head, worker, bodyBytes)
    })
  } finally {
    for (const connection of connections) connection.close()
  }
}
