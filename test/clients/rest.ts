// Confluent's own client of the REST Proxy's v3 (rest.go), built with Go in the cache folder: from a copy of its module that
// lies there as kafkarestv3, or else as Go fetches it. The group it looks at is read by a consumer instance of v2; and
// KafkaJS and such an instance share a group.

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { startBroker } from '../../testing/broker.ts'
import { type Checks, expectEqual } from './checks.ts'
import { cacheFolder, expectOk, run } from './run.ts'

const MODULE = 'github.com/confluentinc/kafka-rest-sdk-go/kafkarestv3'
const folder = join(cacheFolder, 'go-rest')
const V2 = 'application/vnd.kafka.v2+json'
const BINARY = 'application/vnd.kafka.binary.v2+json'

export async function rest(checks: Checks): Promise<void> {
  const broker = await startBroker({ vars: { EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' } })
  try {
    await checks.check('what KafkaJS writes, an instance of v2 reads, and a group of both shares', () =>
      throughBothDoors(broker.http, broker.kafka),
    )
    let program = ''
    await checks.check("Confluent's Go client of v3 is there", async () => {
      program = await build()
    })
    if (program !== '') await seenByGo(checks, program, broker.http)
  } finally {
    await broker.close()
  }
}

async function build(): Promise<string> {
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(import.meta.dirname, 'rest.go'), join(folder, 'main.go'))
  const copy = join(cacheFolder, 'kafkarestv3')
  const replace = existsSync(copy) ? `require ${MODULE} v0.0.0\nreplace ${MODULE} => ${copy}\n` : ''
  writeFileSync(join(folder, 'go.mod'), `module witness\n\ngo 1.22\n\n${replace}`)
  const program = join(folder, 'witness')
  expectOk(await run('go', ['mod', 'tidy'], { cwd: folder, timeoutMs: 120_000 }))
  expectOk(await run('go', ['build', '-o', program, '.'], { cwd: folder, timeoutMs: 300_000 }))
  return program
}

async function seenByGo(checks: Checks, program: string, http: URL): Promise<void> {
  const topic = `rest-${Date.now().toString(36)}`
  const group = `${topic}-group`
  await call(http, 'POST', '/v1/topics', { name: `${topic}-read`, partitions: 1 }, 'application/json')
  await call(
    http,
    'POST',
    `/topics/${topic}-read`,
    { records: ['YQ==', 'Yg==', 'Yw=='].map(value => ({ value })) },
    BINARY,
  )
  const instance = await anInstance(http, group, `${topic}-read`)
  await until(async () => (await records(http, instance)).length > 0)
  await call(http, 'POST', `${instance}/offsets`, { offsets: [{ topic: `${topic}-read`, partition: 0, offset: 0 }] })
  const { stdout } = await run(program, [http.origin, topic, group], { timeoutMs: 60_000 })
  for (const line of stdout.trim().split('\n'))
    await checks.check(line.replace(/^(ok|FAILED) /, 'v3 in Go: '), async () => {
      if (!line.startsWith('ok ')) throw new Error(line)
    })
  await checks.check('v3 in Go: it came to its end', async () => {
    if (!stdout.includes('ok the topic is deleted')) throw new Error(stdout.slice(-500))
  })
}

async function throughBothDoors(http: URL, port: number): Promise<void> {
  const topic = `rest-both-${Date.now().toString(36)}`
  await call(http, 'POST', '/v1/topics', { name: topic, partitions: 4 }, 'application/json')
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const read = new Map<string, number>()
  const seen = (key: string) => read.set(key, (read.get(key) ?? 0) + 1)
  const consumer = kafka.consumer({ groupId: topic, heartbeatInterval: 500 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void seen(String(message.value)) })
  const instance = await anInstance(http, topic, topic)
  await until(async () => (await assigned(http, instance)) === 2)
  const producer = kafka.producer()
  await producer.connect()
  const all = Array.from({ length: 1_000 }, (_, i) => String(i))
  await producer.send({ topic, messages: all.map((value, i) => ({ value, partition: i % 4 })) })
  await until(async () => {
    for (const { value } of await records(http, instance)) seen(Buffer.from(value, 'base64').toString())
    return read.size === all.length
  })
  await producer.disconnect()
  await consumer.disconnect()
  await call(http, 'DELETE', instance)
  expectEqual([...read.values()].filter(times => times > 1).length, 0, 'records read twice')
}

async function anInstance(http: URL, group: string, topic: string): Promise<string> {
  const { base_uri } = (await call(http, 'POST', `/consumers/${group}`, { 'auto.offset.reset': 'earliest' })) as {
    base_uri: string
  }
  const instance = new URL(base_uri).pathname
  await call(http, 'POST', `${instance}/subscription`, { topics: [topic] })
  return instance
}

const assigned = async (http: URL, instance: string): Promise<number> =>
  ((await call(http, 'GET', `${instance}/assignments`)) as { partitions: unknown[] }).partitions.length

const records = async (http: URL, instance: string): Promise<{ value: string }[]> =>
  (await call(http, 'GET', `${instance}/records`)) as { value: string }[]

async function call(http: URL, method: string, path: string, body?: object, type = V2): Promise<unknown> {
  const answer = await fetch(new URL(path, http), {
    method,
    headers: { accept: '*/*', ...(body && { 'content-type': type }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

const WAIT_MS = 60_000

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS
  while (!(await holds())) if (Date.now() > deadline) throw new Error(`not so after ${WAIT_MS} ms`)
}
