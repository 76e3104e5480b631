// @kafkajs/confluent-schema-registry and KafkaJS: values of the three formats through a topic each. Arguments: the folder
// the client is installed in, bootstrap, registry url, prefix of topics. Prints JSON.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'

const [folder, bootstrap, host, prefix] = process.argv.slice(2)
const require = createRequire(join(folder, 'package.json'))
const client = '@kafkajs/confluent-schema-registry'
const { SchemaRegistry, SchemaType } = require(client)

const registry = new SchemaRegistry({ host: host.replace(/\/$/, '') })
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
const order = { item: 'tea', count: 2 }
const schemas = {
  [SchemaType.AVRO]: JSON.stringify({
    type: 'record',
    name: 'Order',
    namespace: 'shop',
    fields: [
      { name: 'item', type: 'string' },
      { name: 'count', type: 'int' },
    ],
  }),
  [SchemaType.JSON]: JSON.stringify({
    type: 'object',
    properties: { item: { type: 'string' }, count: { type: 'integer' } },
    required: ['item'],
  }),
  [SchemaType.PROTOBUF]:
    'syntax = "proto3";\npackage shop;\nmessage Order {\n  string item = 1;\n  int32 count = 2;\n}\n',
}

const producer = kafka.producer()
await producer.connect()
const seen = {}
for (const [type, schema] of Object.entries(schemas)) {
  const topic = `${prefix}-${type.toLowerCase()}`
  const { id } = await registry.register({ type, schema }, { subject: `${topic}-value` })
  if ((await registry.getLatestSchemaId(`${topic}-value`)) !== id) throw new Error(`${type}: another id is the latest`)
  if ((await registry.getRegistryIdBySchema(`${topic}-value`, { type, schema })) !== id)
    throw new Error(`${type}: looked up, it has another id`)
  await producer.send({ topic, messages: [{ value: await registry.encode(id, order) }] })
  const consumer = kafka.consumer({ groupId: topic })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const value = await new Promise(resolve => {
    void consumer.run({ eachMessage: async ({ message }) => resolve(message.value) })
  })
  // A registry that remembers nothing of it asks by the id alone.
  seen[type] = await new SchemaRegistry({ host: host.replace(/\/$/, '') }).decode(value)
  await consumer.disconnect()
}
await producer.disconnect()
console.log(JSON.stringify(seen))
