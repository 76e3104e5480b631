// Members of a group written in JavaScript: members.mjs CLIENT FOLDER BOOTSTRAP HTTP TOPIC GROUP. Each record is a line of
// its partition and offset; SIGTERM is a wish to leave in peace.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [client, folder, bootstrap, http, topic, group] = process.argv.slice(2)
const print = (partition, offset) => process.stdout.write(`${partition} ${offset}\n`)
const asked = new Promise(resolve => process.once('SIGTERM', resolve))

/** KafkaJS has no assignor under the names that all others know; here is one, as its documentation shows how to. */
function range(name) {
  return ({ cluster }) => ({
    name,
    version: 0,
    async assign({ members, topics }) {
      const sorted = members.map(({ memberId }) => memberId).sort()
      const assignment = Object.fromEntries(sorted.map(memberId => [memberId, {}]))
      for (const one of topics) {
        const partitions = cluster.findTopicPartitionMetadata(one).map(({ partitionId }) => partitionId)
        partitions
          .sort((a, b) => a - b)
          .forEach((partition, i) => {
            const memberId = sorted[Math.floor((i * sorted.length) / partitions.length)]
            ;(assignment[memberId][one] ??= []).push(partition)
          })
      }
      return sorted.map(memberId => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: assignment[memberId] }),
      }))
    },
    protocol: ({ topics }) => ({
      name,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    }),
  })
}

const { AssignerProtocol, Kafka, logLevel } = createRequire(import.meta.url)('kafkajs')

async function kafkajs() {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    rebalanceTimeout: 30_000,
    maxWaitTimeInMs: 100,
    partitionAssigners: [range('range'), range('roundrobin')],
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ partition, message }) => print(partition, message.offset) })
  await asked
  await consumer.disconnect()
}

async function platformatic() {
  const entry = createRequire(join(folder, 'package.json')).resolve('@platformatic/kafka')
  const { Consumer } = await import(pathToFileURL(entry).href)
  const consumer = new Consumer({
    groupId: group,
    clientId: 'witness',
    bootstrapBrokers: [bootstrap],
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    rebalanceTimeout: 30_000,
  })
  const stream = await consumer.consume({
    topics: [topic],
    autocommit: 500,
    mode: 'committed',
    fallbackMode: 'earliest',
  })
  stream.on('data', ({ partition, offset }) => print(partition, offset))
  await asked
  await stream.close()
  await consumer.close(true)
}

/** A live consumer: gives back as credit what it has printed, answers pings, and leaves when it is asked to. */
async function websocket() {
  const url = `${http.replace('http', 'ws')}v1/topics/${topic}/live?group=${group}&offset=earliest&sessionTimeoutMs=6000`
  const socket = new WebSocket(url)
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(data)
    if (frame.type === 'ping') socket.send('{"type":"pong"}')
    if (frame.type === 'error') throw new Error(data)
    if (frame.type !== 'records') return
    for (const { partition, offset } of frame.records) print(partition, offset)
    socket.send(JSON.stringify({ type: 'credit', records: frame.records.length }))
  })
  void asked.then(() => socket.send('{"type":"leave"}'))
  const { code } = await new Promise(resolve => socket.addEventListener('close', resolve))
  if (code !== 1000) throw new Error(`closed with ${code}`)
}

await { kafkajs, platformatic, websocket }[client]()
process.exit()
