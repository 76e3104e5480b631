// kafka-python, aiokafka and confluent-kafka, from PyPI into a virtual environment in the cache folder.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { codecs } from '../../src/log/compression.ts'
import { cacheFolder, expectOk, run } from './run.ts'
import type { Witness, WitnessRecord } from './witness.ts'

const PACKAGES = [
  'kafka-python==3.0.12',
  'aiokafka==0.14.0',
  'confluent-kafka==2.16.1',
  'lz4',
  'python-snappy',
  'zstandard',
  'cramjam',
]
const folder = join(cacheFolder, 'python')
export const python = join(folder, 'bin/python')
const script = join(import.meta.dirname, 'clients.py')

async function install(): Promise<string | undefined> {
  if (!existsSync(python)) {
    const made = await run('python3', ['-m', 'venv', folder])
    if (made.code !== 0) return made.stderr
  }
  if (
    (await run(python, ['-c', 'import kafka, aiokafka, confluent_kafka, lz4, snappy, zstandard, cramjam'])).code === 0
  )
    return undefined
  const { code, stderr } = await run(python, ['-m', 'pip', 'install', '-q', ...PACKAGES], { timeoutMs: 300_000 })
  return code === 0 ? undefined : stderr
}

const client = (name: string, func: string): Witness => ({
  name,
  produces: codecs,
  binary: true,
  install,
  async produce(bootstrap, topic, codec, records) {
    expectOk(await run(python, [script, func, 'produce', bootstrap, topic, codec], { stdin: JSON.stringify(records) }))
  },
  async consume(bootstrap, topic) {
    const { stdout } = expectOk(await run(python, [script, func, 'consume', bootstrap, topic, 'none']))
    return JSON.parse(stdout) as WitnessRecord[]
  },
})

export const pythons = [
  client('kafka-python', 'kafka_python'),
  client('aiokafka', 'aiokafka'),
  client('confluent-kafka', 'confluent'),
]
