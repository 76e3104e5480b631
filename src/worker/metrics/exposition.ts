// Prometheus' text format: families of samples, written out. Counters and histograms live as long as the isolate.

/** Seconds; the upper bounds of a histogram's buckets, +Inf apart. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Sets of labels of one family; what comes beyond them is not counted. */
const MAX_SERIES = 1_000

export type Labels = Readonly<Record<string, string | number>>

export class Exposition {
  #text = ''

  /** A family with its samples; nothing at all where there are none. */
  family(
    name: string,
    type: 'counter' | 'gauge' | 'histogram',
    help: string,
    samples: Iterable<readonly [Labels, number, suffix?: string]>,
  ): void {
    let text = ''
    for (const [labels, value, suffix = ''] of samples) text += `${name}${suffix}${written(labels)} ${value}\n`
    if (text !== '') this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${text}`
  }

  toString(): string {
    return this.#text
  }
}

function written(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

/** Numbers by one label. */
export class Tally {
  readonly #label: string
  readonly #values = new Map<string, number>()

  constructor(label: string) {
    this.#label = label
  }

  add(value: string, by = 1): void {
    const before = this.#values.get(value)
    if (before === undefined && this.#values.size >= MAX_SERIES) return
    this.#values.set(value, (before ?? 0) + by)
  }

  *samples(): Iterable<readonly [Labels, number]> {
    for (const [value, count] of this.#values) yield [{ [this.#label]: value }, count]
  }
}

/** How long things took, by one label. */
export class Durations {
  readonly #label: string
  readonly #histograms = new Map<string, Histogram>()

  constructor(label: string) {
    this.#label = label
  }

  observe(value: string, ms: number): void {
    let histogram = this.#histograms.get(value)
    if (histogram === undefined) {
      if (this.#histograms.size >= MAX_SERIES) return
      this.#histograms.set(value, (histogram = new Histogram()))
    }
    histogram.observe(ms / 1_000)
  }

  *samples(): Iterable<readonly [Labels, number, string]> {
    for (const [value, histogram] of this.#histograms) yield* histogram.samples({ [this.#label]: value })
  }
}

class Histogram {
  readonly #counts = new Float64Array(BUCKETS.length + 1)
  #sum = 0

  observe(seconds: number): void {
    let bucket = 0
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sum += seconds
  }

  *samples(labels: Labels): Iterable<readonly [Labels, number, string]> {
    let total = 0
    for (const [i, count] of this.#counts.entries()) {
      total += count
      yield [{ ...labels, le: BUCKETS[i] ?? '+Inf' }, total, '_bucket']
    }
    yield [labels, this.#sum, '_sum']
    yield [labels, total, '_count']
  }
}
