// @platformatic/kafka as a witness, from the cache folder: platformatic.mjs FOLDER produce|consume BOOTSTRAP TOPIC CODEC.
// Keys, values and header values are base64 or null.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const [folder, action, bootstrap, topic, codec] = process.argv.slice(2)
const entry = createRequire(join(folder, 'package.json')).resolve('@platformatic/kafka')
const { Consumer, Producer } = await import(pathToFileURL(entry).href)

const bytesOf = base64 => (base64 === null ? undefined : Buffer.from(base64, 'base64'))
const textOf = bytes => (bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64'))
const options = { clientId: 'witness', bootstrapBrokers: [bootstrap] }

if (action === 'produce') {
  const producer = new Producer({ ...options, compression: codec, idempotent: true })
  const messages = JSON.parse(await text(process.stdin)).map(({ key, value, headers }) => ({
    topic,
    partition: 0,
    key: bytesOf(key),
    value: bytesOf(value),
    headers: new Map(headers.map(([name, one]) => [Buffer.from(name), bytesOf(one)])),
  }))
  await producer.send({ messages, acks: -1 })
  await producer.close()
} else {
  const consumer = new Consumer({ ...options, groupId: 'unused' })
  const metadata = await consumer.metadata({ topics: [topic] })
  const { id, partitions } = metadata.topics.get(topic)
  const found = []
  for (let offset = 0n, end = undefined; end === undefined || offset < end;) {
    const partition = {
      partition: 0,
      currentLeaderEpoch: -1,
      fetchOffset: offset,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 10_000_000,
    }
    const answer = await consumer.fetch({
      node: partitions[0].leader,
      topics: [{ topicId: id, partitions: [partition] }],
      maxWaitTime: 1000,
      minBytes: 1,
      maxBytes: 10_000_000,
    })
    const [read] = answer.responses[0].partitions
    end = read.highWatermark
    for (const batch of read.records)
      for (const record of batch.records) {
        offset = batch.firstOffset + BigInt(record.offsetDelta) + 1n
        const { key, value, headers } = record
        found.push({
          offset: Number(offset - 1n),
          key: textOf(key),
          value: textOf(value),
          headers: headers.map(([name, one]) => [name.toString(), textOf(one)]),
        })
      }
  }
  await consumer.close(true)
  process.stdout.write(JSON.stringify(found))
}
