// Apache Kafka's console producer and consumer, reading one partition without a group.

import { codecs } from '../../src/log/compression.ts'
import { haveKafka, tool } from './kafka.ts'
import { expectOk } from './run.ts'
import { base64, plain, type Witness } from './witness.ts'

const READING = ['parse.key=true', 'parse.headers=true'].flatMap(property => ['--reader-property', property])
const PRINTING = ['print.key=true', 'print.headers=true'].flatMap(property => ['--formatter-property', property])

export const kafkaConsole: Witness = {
  name: 'Kafka console',
  produces: codecs,
  binary: false,
  install: async () => ((await haveKafka()) ? undefined : 'Java 17 and Maven are needed'),
  async produce(bootstrap, topic, codec, records) {
    const lines = records.map(({ key, value, headers }) => {
      const pairs = headers.map(([name, one]) => `${name}:${plain(one)}`).join(',')
      return `${pairs}\t${plain(key)}\t${plain(value)}\n`
    })
    const how = [
      '--bootstrap-server',
      bootstrap,
      '--topic',
      topic,
      '--compression-codec',
      codec,
      '--producer-property',
      'acks=all',
    ]
    expectOk(await tool('ConsoleProducer', [...how, ...READING], lines.join('')))
  },
  async consume(bootstrap, topic, count) {
    const what = ['--bootstrap-server', bootstrap, '--topic', topic, '--partition', '0', '--from-beginning']
    const until = ['--max-messages', String(count), '--timeout-ms', '20000']
    const { stdout } = expectOk(await tool('ConsoleConsumer', [...what, ...until, ...PRINTING]))
    return stdout
      .split('\n')
      .filter(line => line.includes('\t'))
      .map(line => {
        const [headers, key, value] = line.split('\t')
        const pairs = headers!.split(',').map(pair => pair.split(':') as [string, string])
        return {
          key: base64(key!),
          value: base64(value!),
          headers: pairs.map(([name, one]) => [name, base64(one)] as const),
        }
      })
  },
}
