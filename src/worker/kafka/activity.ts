// What a Kafka connection has done, for those who look at connections: counted as it goes, told when asked.

import type { Activity } from '../../cluster/connections.ts'
import type { RequestHeader } from '../../protocol/frame.ts'
import type { AnyApi } from './api.ts'
import type { Sessions } from './sessions.ts'

const LEAVE_GROUP = 13
const API_VERSIONS = 18
const INIT_PRODUCER_ID = 22
/** What members of a group say: OffsetCommit, JoinGroup, Heartbeat, SyncGroup, ConsumerGroupHeartbeat. */
const OF_MEMBERS = new Set([8, 11, 12, 14, 68])

export class KafkaActivity {
  bytesIn = 0
  bytesOut = 0
  #requests = 0
  #lastRequest: string | null = null
  #lastMs = Date.now()
  #clientId: string | null = null
  #software: { readonly clientSoftwareName?: string; readonly clientSoftwareVersion?: string } = {}
  #group: string | null = null
  #transactionalId: string | null = null

  heard({ clientId }: RequestHeader, { key, name }: AnyApi, request: unknown): void {
    this.#requests++
    this.#lastRequest = name
    this.#lastMs = Date.now()
    this.#clientId = clientId
    if (OF_MEMBERS.has(key)) this.#group = (request as { groupId: string }).groupId
    else if (key === LEAVE_GROUP) this.#group = null
    else if (key === API_VERSIONS) this.#software = request as object
    else if (key === INIT_PRODUCER_ID)
      this.#transactionalId = (request as { transactionalId: string | null }).transactionalId
  }

  /** `sessions` know what it reads. */
  told(sessions: Sessions): Activity {
    const { clientSoftwareName, clientSoftwareVersion } = this.#software
    const topics = new Set<string>()
    for (const { topic, topicId } of sessions.wanted.values()) topics.add(topic || topicId)
    return {
      clientId: this.#clientId,
      clientSoftwareName: clientSoftwareName || null,
      clientSoftwareVersion: clientSoftwareVersion || null,
      group: this.#group,
      transactionalId: this.#transactionalId,
      topics: [...topics],
      partitions: sessions.wanted.size,
      requests: this.#requests,
      lastRequest: this.#lastRequest,
      lastMs: this.#lastMs,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    }
  }
}
