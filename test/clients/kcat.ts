// kcat, which is librdkafka: the one on the PATH, or Debian's.

import { codecs } from '../../src/log/compression.ts'
import { expectOk, run } from './run.ts'
import { base64, plain, type Witness } from './witness.ts'

const HEADERS = ['-H', 'source=witness', '-H', 'note=größer']

interface Said {
  readonly key: string
  readonly payload: string
  readonly headers?: readonly string[]
}

export const kcat: Witness = {
  name: 'kcat',
  produces: codecs,
  binary: false,
  async install() {
    if ((await run('kcat', ['-V'])).code === 0) return undefined
    const { code, stderr } = await run('apt-get', ['install', '-y', '-q', 'kcat'], { timeoutMs: 300_000 })
    return code === 0 ? undefined : stderr
  },
  async produce(bootstrap, topic, codec, records) {
    const lines = records.map(({ key, value }) => `${plain(key)}\t${plain(value)}\n`).join('')
    const how = [
      '-P',
      '-b',
      bootstrap,
      '-t',
      topic,
      '-p',
      '0',
      '-K',
      '\\t',
      '-z',
      codec,
      '-X',
      'acks=all',
      '-X',
      'linger.ms=50',
    ]
    expectOk(await run('kcat', [...how, ...HEADERS], { stdin: lines }))
  },
  async consume(bootstrap, topic) {
    const how = ['-C', '-b', bootstrap, '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q', '-J']
    const { stdout } = expectOk(await run('kcat', [...how, '-X', 'check.crcs=true']))
    return stdout
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        const { key, payload, headers = [] } = JSON.parse(line) as Said
        const pairs = Array.from(
          { length: headers.length / 2 },
          (_, i) => [headers[2 * i]!, base64(headers[2 * i + 1]!)] as const,
        )
        return { key: base64(key), value: base64(payload), headers: pairs }
      })
  },
}
