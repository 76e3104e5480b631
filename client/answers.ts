// What the broker's answers look like, as /openapi.json says.

export interface Partition {
  readonly partition: number
  readonly logStartOffset?: number
  readonly highWatermark?: number
  readonly sizeBytes?: number
  readonly segments?: number
}

export interface Topic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly Partition[]
  readonly config: Readonly<Record<string, string>>
}

export interface Config {
  readonly name: string
  readonly value: string | null
  readonly source: 'TOPIC' | 'STATIC_BROKER' | 'DEFAULT'
  readonly readOnly: boolean
  readonly documentation: string
}

export interface Cluster {
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: number
  readonly partitions: number
  readonly config: readonly Config[]
}

export interface Segment {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  readonly chunks: number
  readonly createdMs: number
  readonly maxTimestamp: number
  readonly generation: number
  readonly active: boolean
}

export type HeaderValue = string | null | { readonly base64: string }

export interface LogRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: unknown
  readonly keyFormat?: string
  readonly value: unknown
  readonly valueFormat?: string
  readonly headers:
    | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>
    | readonly { readonly key: string; readonly value?: HeaderValue }[]
}

export interface Fetched {
  readonly records: readonly LogRecord[]
  readonly nextOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
}

export interface ListedGroup {
  readonly group: string
  readonly state: string
  readonly type: string
  readonly protocolType: string
}

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
  readonly metadata: string | null
  readonly endOffset: number | null
  readonly lag: number | null
}

export interface Group extends ListedGroup {
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  }[]
  readonly offsets: readonly GroupOffset[]
  readonly totalLag: number
}

export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: string
  readonly startMs: number
}

/** What is not known of a kind of connection, or not told in time, is null. */
export interface Connection {
  readonly connectionId: string
  readonly kind: 'kafka' | 'kafka-websocket' | 'websocket' | 'sse'
  readonly openedMs: number
  readonly remoteAddress: string | null
  readonly userAgent: string | null
  readonly clientId: string | null
  readonly clientSoftwareName: string | null
  readonly clientSoftwareVersion: string | null
  readonly group: string | null
  readonly transactionalId: string | null
  readonly topics: readonly string[]
  readonly partitions: number | null
  readonly requests: number | null
  readonly lastRequest: string | null
  readonly lastMs: number | null
  readonly bytesIn: number | null
  readonly bytesOut: number | null
}

export interface Connections {
  readonly counts: Readonly<Record<Connection['kind'], number>>
  readonly connections: readonly Connection[]
}
