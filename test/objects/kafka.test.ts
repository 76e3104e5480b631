// Kafka's door without a network: over the tunnel's WebSocket, and as two ends in one process. TCP has tests of its own.

import { createExecutionContext } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { Segment } from '../../src/log/segments.ts'
import { partitionStub } from '../../src/objects/place.ts'
import { codeOf } from '../../src/protocol/errors.ts'
import { Broker } from '../../src/worker/broker.ts'
import type { Env } from '../../src/worker/env.ts'
import { produce } from '../../src/worker/kafka/apis/00-produce.ts'
import { fetch as fetchApi } from '../../src/worker/kafka/apis/01-fetch.ts'
import { listOffsets } from '../../src/worker/kafka/apis/02-list-offsets.ts'
import { metadata } from '../../src/worker/kafka/apis/03-metadata.ts'
import { apiVersions } from '../../src/worker/kafka/apis/18-api-versions.ts'
import { Connection } from '../../src/worker/kafka/connection.ts'
import { Nodes } from '../../src/worker/kafka/nodes.ts'
import { KafkaClient, type Line, overWebSocket } from '../support/kafka-client.ts'
import { aProduce } from '../support/kafka-requests.ts'
import { aBatch, opened } from '../support/log.ts'

/** A connection's two ends in one process: what one sends, the other receives. `cut` says in which pieces. */
function inProcess(cut: number): KafkaClient {
  let received: (bytes: Uint8Array) => void = () => {}
  let closed: () => void = () => {}
  const pipe = { send: async (bytes: Uint8Array) => received(bytes), close: () => closed() }
  const broker = new Broker(env as unknown as Env, createExecutionContext())
  const connection = new Connection(broker, Nodes.parse(undefined), pipe, () => {})
  const line: Line = {
    write(bytes) {
      for (let at = 0; at < bytes.length; at += cut) void connection.receive(bytes.slice(at, at + cut))
    },
    close: () => connection.close(),
    listen(onBytes, onClose) {
      received = onBytes
      closed = onClose
    },
  }
  return new KafkaClient(line)
}

async function throughTunnel(): Promise<KafkaClient> {
  const response = await (exports as unknown as { default: Fetcher }).default.fetch('http://edgelog/kafka', {
    headers: { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'kafka' },
  })
  expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('kafka')
  response.webSocket!.accept()
  return new KafkaClient(overWebSocket(response.webSocket!))
}

const doors: { door: string; open: () => Promise<KafkaClient> | KafkaClient }[] = [
  { door: 'in process, byte by byte', open: () => inProcess(1) },
  { door: 'in process', open: () => inProcess(1_000_000) },
  { door: 'through the tunnel', open: throughTunnel },
]

describe.each(doors)('Kafka $door', ({ door, open }) => {
  const topic = `t-${door.replaceAll(/\W/g, '')}`

  it('produces, finds and fetches', async () => {
    const client = await open()
    expect(
      (await client.call(apiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })).errorCode,
    ).toBe(0)
    const seen = await client.call(metadata, 12, { topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAA', name: topic }] })
    const { topicId } = seen.topics[0]!
    const sent = await client.call(produce, 13, {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ topicId, partitionData: [{ index: 0, records: aBatch(['a', 'b'], { timestamp: Date.now() }) }] }],
    })
    expect(sent.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0 })
    const found = await client.call(listOffsets, 7, {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      timeoutMs: 0,
    })
    expect(found.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, offset: 2 })
    const got = await client.call(fetchApi, 16, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] }],
    })
    expect(opened(got.responses[0]!.partitions[0]!.records!).map(record => record.value)).toEqual(['a', 'b'])
    client.close()
  })

  it('answers in order what was sent together, a waiting fetch first', async () => {
    const client = await open()
    const { topics } = await client.call(metadata, 12, {
      topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAA', name: `${topic}-order` }],
    })
    const wanted = [
      { topicId: topics[0]!.topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] },
    ]
    const waiting = client.call(fetchApi, 16, { maxWaitMs: 60, minBytes: 1, topics: wanted })
    const next = client.call(apiVersions, 0, {})
    await Promise.all([waiting, next])
    expect(client.answered.slice(-2)).toEqual(client.answered.slice(-2).toSorted((a, b) => a - b))
    client.close()
  })

  it('ends at an API or version that was never announced, and at nothing less', async () => {
    const client = await open()
    const old = await client.call(apiVersions, 4, { clientSoftwareName: '', clientSoftwareVersion: '' })
    expect(old.errorCode).toBe(codeOf('INVALID_REQUEST'))
    client.send({ ...apiVersions, key: 999 }, 0, {})
    await client.closed
  })
})

describe('produce requests that came together', () => {
  it('are one row, and are answered in order', async () => {
    const client = inProcess(1_000_000)
    const named = { topicId: 'AAAAAAAAAAAAAAAAAAAAAA', name: 'together' }
    const { topics } = await client.call(metadata, 12, { topics: [named] })
    const send = (value: string) =>
      client.call(produce, 9, aProduce('together', aBatch([value], { timestamp: Date.now() })))
    const offsetOf = async (sent: ReturnType<typeof send>): Promise<number> =>
      Number((await sent).responses[0]!.partitionResponses[0]!.baseOffset)
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(value => offsetOf(send(value))))).toEqual([0, 1, 2, 3])
    const partition = partitionStub((env as unknown as Env).PARTITION, topics[0]!.topicId, 0, {})
    const chunks = async (): Promise<number> => ((await partition.segments()) as readonly Segment[])[0]!.chunks
    expect(await chunks()).toBe(1)
    const sent = [send('e'), client.call(apiVersions, 0, {}), send('f')]
    await Promise.all(sent)
    expect(client.answered).toEqual(client.answered.toSorted((a, b) => a - b))
    client.close()
  })
})
