// Registry clients, in Python, Go (registry-go.ts) and JavaScript: schemas registered and found, and data of the three formats
// through Kafka's door, written by one and read by others and by the native API.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBroker } from '../../testing/broker.ts'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { python, pythons } from './python.ts'
import { goRegistryClient } from './registry-go.ts'
import { cacheFolder, expectOk, run } from './run.ts'

const PACKAGE = '@kafkajs/confluent-schema-registry@4.1.0'
/** What confluent-kafka's extras avro, json, protobuf and schemaregistry name, at any version. */
const EXTRAS =
  'certifi httpx attrs cachetools authlib typing-extensions fastavro requests jsonschema referencing orjson'
const PROTOBUF = 'pyrsistent protobuf googleapis-common-protos'

const folder = join(cacheFolder, 'npm')
const ORDERS = [
  { item: 'tea', count: 2 },
  { item: 'größer', count: -1 },
]

export async function registryClients(checks: Checks, prefix: string): Promise<void> {
  await checks.check('the registry’s clients are there', install)
  const broker = await startBroker()
  await clientsOf(checks, `localhost:${broker.kafka}`, broker.http, prefix)
  await broker.close()
}

async function clientsOf(checks: Checks, bootstrap: string, http: URL, prefix: string): Promise<void> {
  for (const format of ['avro', 'json', 'protobuf'])
    await checks.check(`confluent-kafka-python: ${format} through Kafka`, async () => {
      expectEqual(await inPython(bootstrap, http, `${prefix}-py`, format), ORDERS, format)
    })
  await checks.check('confluent-kafka-python: subjects, compatibility, references, deletion', async () => {
    expectEqual(await inPython(bootstrap, http, `${prefix}-py`, 'subjects'), SUBJECTS, 'subjects')
  })
  await checks.check('@kafkajs/confluent-schema-registry: Avro, JSON and Protobuf through Kafka', async () => {
    const { stdout } = expectOk(
      await run(process.execPath, [
        join(import.meta.dirname, 'registry.mjs'),
        folder,
        bootstrap,
        http.href,
        `${prefix}-js`,
      ]),
    )
    const [order] = ORDERS
    expectEqual(JSON.parse(stdout), { AVRO: order, JSON: order, PROTOBUF: order }, 'values')
  })
  const go = `${prefix}-go-avro`
  await goRegistryClient(checks, { bootstrap, http, topic: go, others: [`${prefix}-py-avro`] })
  for (const format of ['avro', 'json', 'protobuf'])
    await checks.check(`the native API reads the ${format} that they wrote`, async () => {
      const records = (topic: string) => new URL(`/v1/topics/${topic}/partitions/0/records?format=schema`, http)
      for (const [topic, orders] of [
        [`${prefix}-py-${format}`, ORDERS],
        ...(format === 'avro' ? [[go, ORDERS] as const] : []),
        // The JavaScript client leaves out Protobuf's message indexes, so that nobody but itself reads its Protobuf.
        ...(format === 'protobuf' ? [] : [[`${prefix}-js-${format}`, ORDERS.slice(0, 1)] as const]),
      ] as const) {
        const { records: read } = (await (await fetch(records(topic))).json()) as { records: { value: object }[] }
        expectEqual(
          read.map(({ value }) => value),
          orders,
          topic,
        )
      }
    })
  await checks.check('kcat sees what a schema is kept as', async () => {
    const how = ['-C', '-b', bootstrap, '-t', '_schemas', '-p', '0', '-o', 'beginning', '-e', '-q', '-K', '\t']
    const { stdout } = expectOk(await run('kcat', how))
    expectSaid(stdout, new RegExp(`{"keytype":"SCHEMA","subject":"${prefix}-py-avro-value","version":1,"magic":1}\\t{`))
  })
}

const SUBJECTS = {
  id: true,
  latest: [1, 'Order'],
  'by id': 'Order',
  lookup: 1,
  versions: [1],
  listed: true,
  compatible: [true, false],
  refused: [409, true],
  config: 'NONE',
  then: true,
  references: 'shop.Order',
  deleted: [1],
  'deleted for good': [1],
  gone: [404, 40401],
}

async function install(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const probe = `require.resolve('@kafkajs/confluent-schema-registry')`
  if ((await run(process.execPath, ['-e', probe], { cwd: folder })).code !== 0) {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    expectOk(
      await run('npm', ['install', '-E', '--no-audit', '--no-fund', PACKAGE], { cwd: folder, timeoutMs: 300_000 }),
    )
  }
  const why = await pythons[0]!.install()
  if (why !== undefined) throw new Error(why)
  const imports = ['avro', 'json_schema', 'protobuf'].map(each => `import confluent_kafka.schema_registry.${each}`)
  if ((await run(python, ['-c', imports.join('\n')])).code === 0) return
  const packages = `${EXTRAS} ${PROTOBUF}`.split(' ')
  expectOk(await run(python, ['-m', 'pip', 'install', '-q', ...packages], { timeoutMs: 300_000 }))
}

async function inPython(bootstrap: string, http: URL, prefix: string, what: string): Promise<unknown> {
  const script = join(import.meta.dirname, 'registry.py')
  const { stdout } = expectOk(await run(python, [script, bootstrap, http.href.replace(/\/$/, ''), prefix, what]))
  return JSON.parse(stdout)
}
