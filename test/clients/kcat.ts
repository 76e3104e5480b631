// kcat, which is librdkafka: the one on the PATH, or Debian's.

import { codecs } from '../../src/log/compression.ts'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
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

/** What kcat shows and finds besides records. */
export async function kcatTools(checks: Checks, port: number, prefix: string): Promise<void> {
  const topic = `${prefix}-kcat`
  const at = ['-b', `localhost:${port}`, '-t', topic]
  const ok = async (args: readonly string[], stdin = '') =>
    expectOk(await run('kcat', [...args, ...at], { stdin })).stdout
  await checks.check('kcat -P creates a topic by producing, with keys, nulls and headers', async () => {
    for (const value of ['a', 'b', 'c', 'd']) await ok(['-P', '-K:', '-H', 'n=1'], `key:${value}`)
    await ok(['-P', '-Z', '-K:'], 'key:')
  })
  await checks.check('kcat -L lists brokers, topics and partitions', async () => {
    const listed = await ok(['-L'])
    expectSaid(listed, new RegExp(`broker 0 at localhost:${port} \\(controller\\)`))
    expectSaid(listed, new RegExp(`topic "${topic}" with 1 partitions:\\s+partition 0, leader 0, replicas: 0, isrs: 0`))
  })
  await checks.check('kcat -C reads from an offset, from the end and up to the end', async () => {
    const read = async (offset: string) =>
      (await ok(['-C', '-e', '-q', '-o', offset, '-f', '%o %k=%s %h\\n'])).trimEnd()
    expectEqual(
      await read('beginning'),
      ['0 key=a n=1', '1 key=b n=1', '2 key=c n=1', '3 key=d n=1', '4 key= '].join('\n').trimEnd(),
      'all',
    )
    expectEqual(await read('3'), '3 key=d n=1\n4 key=', 'from offset 3')
    expectEqual(await read('-1'), '4 key=', 'the last')
  })
  await checks.check('kcat -Q finds offsets by time', async () => {
    const find = async (timestamp: number) =>
      expectOk(await run('kcat', ['-Q', '-b', `localhost:${port}`, '-t', `${topic}:0:${timestamp}`])).stdout.trim()
    expectSaid(await find(1), / offset 0$/)
    expectSaid(await find(-1), / offset 5$/)
    expectSaid(await find(-2), / offset 0$/)
  })
}
