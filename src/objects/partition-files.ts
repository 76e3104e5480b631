// The files of partitions on one's own machine, where an object's tables are a SQLite database. One that is there before its
// object decides the size of its pages: larger ones than the usual 4 KiB carry large batches with fewer writes and fewer
// checkpoints (docs/decisions/0016). Deployed there are no files, and nobody has this.

import { logEvent } from '../log-line.ts'
import { partitionName } from './place.ts'

/** A small commit costs as much with these as with pages of 4 KiB, and one of 1 MiB half as much. */
const PAGE_BYTES = 16_384
/** What has many partitions is spread thin, and each has a handful of pages from the start. */
const MAX_PARTITIONS = 64

interface Topic {
  readonly topicId: string
  readonly partitions: number
}

export class PartitionFiles {
  readonly #folder: Fetcher
  readonly #namespace: DurableObjectNamespace

  /** `folder`: where the files of the namespace's objects are. */
  constructor(folder: Fetcher, namespace: DurableObjectNamespace) {
    this.#folder = folder
    this.#namespace = namespace
  }

  /** To be called before anybody can know the topic's id: an object that runs would lose what it stores. */
  prepare(topic: Topic): Promise<void> {
    return this.#each(topic, { method: 'PUT', body: emptyDatabase() })
  }

  /** The topic was not created after all. */
  discard(topic: Topic): Promise<void> {
    return this.#each(topic, { method: 'DELETE' })
  }

  /** Without its file a partition is as good as any, so failures are only told. */
  async #each({ topicId, partitions }: Topic, init: RequestInit): Promise<void> {
    if (partitions > MAX_PARTITIONS) return
    const each = Array.from({ length: partitions }, async (_, partition) => {
      const id = this.#namespace.idFromName(partitionName(topicId, partition))
      const response = await this.#folder.fetch(`http://files/${id.toString()}.sqlite`, init)
      if (!response.ok) throw new Error(`${init.method} of ${topicId}-${partition}: ${response.status}`)
    })
    const failed = (await Promise.allSettled(each)).find(({ status }) => status === 'rejected')
    if (failed !== undefined)
      logEvent('warn', 'a partition has small pages', { error: (failed as PromiseRejectedResult).reason })
  }
}

/** A database without tables, in WAL mode as workerd wants it (the database header of SQLite's file format). */
function emptyDatabase(): Uint8Array<ArrayBuffer> {
  const page = new Uint8Array(PAGE_BYTES)
  const view = new DataView(page.buffer)
  page.set(new TextEncoder().encode('SQLite format 3'))
  view.setUint16(16, PAGE_BYTES)
  // Written and read by WAL; no bytes reserved; three fractions that never vary.
  page.set([2, 2, 0, 64, 32, 32], 18)
  // Its first page is an empty leaf of the table of tables.
  page[100] = 0x0d
  view.setUint16(105, PAGE_BYTES)
  return page
}
