// The broker as the demo uses it: topics, producing in batches, reading by partition, and following live over WebSockets
// that are cut and resumed. Plain fetch and ws: what any program would write.

import WebSocket from 'ws'
import type { Got, Sent } from './ledger.ts'

const BATCH = 2_000
const FETCH_LIMIT = 10_000
const FETCH_BYTES = 8_388_608

/** What the broker answered instead of doing it, as a sentence. */
export class Refused extends Error {}

export class BrokerClient {
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: URL, token: string | undefined) {
    this.#url = url
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  /** Makes the topic, in place of one of the same name. */
  async renewTopic(name: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#call('DELETE', `/v1/topics/${name}`, undefined, [404])
    await this.#call('POST', '/v1/topics', { name, partitions, config })
  }

  /** Appends all of them, one batch after the other, so that records of a key keep their order. */
  async produce(
    topic: string,
    records: readonly (Sent & { readonly timestamp?: number })[],
    stored: (index: number, place: { partition: number; offset: number }) => void,
  ): Promise<void> {
    for (let from = 0; from < records.length; from += BATCH) {
      const lines = records.slice(from, from + BATCH).map(({ key, value, timestamp }) => {
        const time = timestamp === undefined ? '' : `,"timestamp":${timestamp}`
        return `{"key":${JSON.stringify(key)},"value":${value}${time}}`
      })
      const answer = (await this.#call('POST', `/v1/topics/${topic}/records`, `[${lines.join(',')}]`)) as {
        records: { partition: number; offset: number; error?: { detail: string } }[]
      }
      for (const [i, place] of answer.records.entries()) {
        if (place.error !== undefined) throw new Refused(place.error.detail)
        stored(from + i, place)
      }
    }
  }

  /** All records of a topic, partition by partition, each up to its end. */
  async fetchAll(topic: string, partitions: number, see: (record: Got) => void): Promise<void> {
    await Promise.all(
      Array.from({ length: partitions }, async (_, partition) => {
        for (let offset = 0, end = 1; offset < end;) {
          const answer = (await this.#call(
            'GET',
            `/v1/topics/${topic}/partitions/${partition}/records?offset=${offset}&limit=${FETCH_LIMIT}&maxBytes=${FETCH_BYTES}`,
          )) as { records: Got[]; nextOffset: number; highWatermark: number }
          for (const record of answer.records) see(record)
          offset = answer.nextOffset
          end = answer.highWatermark
        }
      }),
    )
  }

  /** Follows the topic from its beginning until `count` records were seen; `cutHere` says when to cut the line. */
  async followAll(
    topic: string,
    count: number,
    see: (record: Got) => void,
    cutHere: (seen: number) => boolean,
  ): Promise<void> {
    const reading = { seen: 0, resume: '' }
    const take = (frame: RecordsFrame): 'more' | 'cut' => {
      for (const record of frame.records) see(record)
      reading.seen += frame.records.length
      reading.resume = frame.resume
      return reading.seen >= count || cutHere(reading.seen) ? 'cut' : 'more'
    }
    while (reading.seen < count)
      await this.#follow(topic, reading.resume === '' ? 'offset=earliest' : `resume=${reading.resume}`, take)
  }

  /** Until the line is cut. */
  #follow(topic: string, query: string, take: (frame: RecordsFrame) => 'more' | 'cut'): Promise<void> {
    const url = new URL(`/v1/topics/${topic}/live?${query}`, this.#url)
    url.protocol = url.protocol.replace('http', 'ws')
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url.href, { headers: this.#headers })
      socket.on('message', (data: Buffer) => {
        const frame = JSON.parse(String(data)) as Frame
        if (frame.type === 'error') reject(new Refused(frame.message))
        if (frame.type !== 'records') return
        if (take(frame) === 'more') socket.send(JSON.stringify({ type: 'credit', records: frame.records.length }))
        else {
          // Not a word of goodbye, and what was still on its way is thrown away: as when a line breaks.
          socket.removeAllListeners('message')
          socket.terminate()
        }
      })
      socket.on('close', resolve)
      socket.on('error', error => reject(new Refused(`${url.host}: ${error.message}`)))
    })
  }

  async #call(method: string, path: string, body?: unknown, alsoFine: readonly number[] = []): Promise<unknown> {
    const answer = await fetch(new URL(path, this.#url), {
      method,
      headers: { ...this.#headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }).catch((error: unknown) => {
      const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
      throw new Refused(`There is no broker at ${this.#url.origin} (${why}). Start one with: npm start`)
    })
    const text = await answer.text()
    if (!answer.ok && !alsoFine.includes(answer.status)) throw new Refused(`${method} ${path}: ${detailOf(text)}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}

interface RecordsFrame {
  readonly type: 'records'
  readonly records: Got[]
  readonly resume: string
}
type Frame = RecordsFrame | { readonly type: 'error'; readonly message: string } | { readonly type: 'ping' }

function detailOf(text: string): string {
  try {
    return (JSON.parse(text) as { detail: string }).detail
  } catch {
    return text
  }
}
