// JavaScript's clients: @platformatic/kafka from npm in the cache folder, and KafkaJS, which the tests have anyway. KafkaJS
// brings gzip only, and consumes in groups only.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { codecs } from '../../src/log/compression.ts'
import { cacheFolder, expectOk, run } from './run.ts'
import type { Witness, WitnessRecord } from './witness.ts'

const PACKAGE = '@platformatic/kafka@2.12.1'
const folder = join(cacheFolder, 'npm')
const script = join(import.meta.dirname, 'platformatic.mjs')

const platformatic: Witness = {
  name: '@platformatic/kafka',
  produces: codecs,
  binary: true,
  async install() {
    mkdirSync(folder, { recursive: true })
    const probe = `require.resolve('@platformatic/kafka')`
    if ((await run(process.execPath, ['-e', probe], { cwd: folder })).code === 0) return undefined
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    const { code, stderr } = await run('npm', ['install', '-E', '--no-audit', '--no-fund', PACKAGE], {
      cwd: folder,
      timeoutMs: 300_000,
    })
    return code === 0 ? undefined : stderr
  },
  async produce(bootstrap, topic, codec, records) {
    const stdin = JSON.stringify(records)
    expectOk(await run(process.execPath, [script, folder, 'produce', bootstrap, topic, codec], { stdin }))
  },
  async consume(bootstrap, topic) {
    const { stdout } = expectOk(await run(process.execPath, [script, folder, 'consume', bootstrap, topic, 'none']))
    return JSON.parse(stdout) as WitnessRecord[]
  },
}

const bytesOf = (base64: string | null): Buffer | null => (base64 === null ? null : Buffer.from(base64, 'base64'))

const kafkajs: Witness = {
  name: 'KafkaJS',
  produces: ['none', 'gzip'],
  binary: true,
  install: () => Promise.resolve(undefined),
  async produce(bootstrap, topic, codec, records) {
    const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).producer({ idempotent: true })
    await producer.connect()
    await producer.send({
      topic,
      compression: codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
      messages: records.map(({ key, value, headers }) => ({
        partition: 0,
        key: bytesOf(key),
        value: bytesOf(value),
        headers: Object.fromEntries(headers.map(([name, one]) => [name, bytesOf(one)!])),
      })),
    })
    await producer.disconnect()
  },
}

export const javascripts = [platformatic, kafkajs]
