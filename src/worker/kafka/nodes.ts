// The brokers that clients are told of. One program serves everything, so how many brokers there are, and at which
// addresses, is configuration; leaders are spread over them, and any of them answers for every partition.

/** Brokers advertised at most. */
const MAX_NODES = 100

/** How many copies a topic says it has, as its creator asked; the platform keeps several of everything anyway. */
export const replicationFactorOf = (topic: { readonly replicationFactor?: number }): number =>
  topic.replicationFactor ?? 1

export interface Node {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export class Nodes {
  readonly all: readonly Node[]

  private constructor(all: readonly Node[]) {
    this.all = all
  }

  /** `host:port` separated by commas, the first being broker 0; `fallback` where nothing is configured. */
  static parse(listeners: string | undefined, fallback = 'localhost:9092'): Nodes {
    const entries = (listeners?.trim() || fallback).split(',').map(entry => entry.trim())
    if (entries.length > MAX_NODES) throw new RangeError(`EDGELOG_BROKERS lists more than ${MAX_NODES} brokers`)
    return new Nodes(
      entries.map((entry, nodeId) => {
        const colon = entry.lastIndexOf(':')
        const port = Number(entry.slice(colon + 1))
        if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535)
          throw new RangeError(`EDGELOG_BROKERS: '${entry}' is not host:port`)
        return { nodeId, host: entry.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port }
      }),
    )
  }

  get controllerId(): number {
    return this.all[0]!.nodeId
  }

  has(nodeId: number): boolean {
    return nodeId >= 0 && nodeId < this.all.length
  }

  /** The broker told to lead a partition: neighbours get different ones, and a topic begins anywhere. */
  leaderOf(topicId: string, partition: number): number {
    let seed = 0
    for (let i = 0; i < topicId.length; i++) seed = (seed * 31 + topicId.charCodeAt(i)) >>> 0
    return (seed + partition) % this.all.length
  }

  /** Up to `factor` brokers beginning with the leader: the names given to the copies that the platform keeps. */
  replicasOf(topicId: string, partition: number, factor: number): number[] {
    const leader = this.leaderOf(topicId, partition)
    return Array.from({ length: Math.min(factor, this.all.length) }, (_, i) => (leader + i) % this.all.length)
  }
}
