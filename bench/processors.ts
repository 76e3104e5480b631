// Who used the processors while something was measured: the broker, the load, and whatever else runs on the machine, which
// a reader of the numbers should know.

import { cpus } from 'node:os'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

export class Processors {
  readonly #target: Target
  readonly #start: Used

  constructor(target: Target) {
    this.#target = target
    this.#start = usedBy(target)
  }

  /** Since it was made. */
  row(): Row {
    const now = usedBy(this.#target)
    const seconds = now.at - this.#start.at
    const share = (used: number): string => (Math.max(0, used) / seconds).toFixed(1)
    const broker = now.broker - this.#start.broker
    const load = now.load - this.#start.load
    const others = now.all - this.#start.all - broker - load
    return {
      what: 'processors meanwhile',
      note: `broker ${share(broker)}, load ${share(load)}, other programs ${share(others)} of ${cpus().length}`,
    }
  }
}

/** Processor time up to now, all in seconds. */
interface Used {
  readonly at: number
  readonly all: number
  readonly broker: number
  readonly load: number
}

function usedBy(target: Target): Used {
  const { user, system } = process.cpuUsage()
  const all = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000
  const broker = target.processes().reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  return { at: performance.now() / 1000, all, broker, load: (user + system) / 1e6 }
}
