// Which codec the batches of a topic are to be stored in, by its configs and the broker's behind them, and how hard it tries.

import type { TopicView } from '../cluster/cluster.ts'
import type { Overrides } from '../cluster/configs.ts'
import { type Codec, codecs } from '../log/compression.ts'

export interface Compression {
  readonly codec: Codec
  /** The codec's own default where absent. */
  readonly level?: number
}

/** Undefined: each batch keeps the codec that its producer chose. */
export function compressionOf({ config }: TopicView, broker: Overrides): Compression | undefined {
  const type = config['compression.type'] ?? broker['compression.type'] ?? 'producer'
  if (type === 'producer') return undefined
  const codec = codecs.find(codec => codec === type) ?? 'none'
  const level = config[`compression.${codec}.level`] ?? broker[`compression.${codec}.level`]
  return level === undefined ? { codec } : { codec, level: Number(level) }
}
