// The CLI against a running broker: what it prints for people and for scripts, and how it ends.

import { spawn } from 'node:child_process'
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { LiveClient } from '../support/live-client.ts'
import { configFolder, edgelog, ended, type Ran, says, start } from './edgelog.ts'

let broker: Broker
const folder = mkdtempSync(join(tmpdir(), 'edgelog-cli-test-'))
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(async () => {
  await broker.close()
})

const run = (line: string, input?: string): Promise<Ran> => edgelog(line.split(' '), broker.http, input)
async function ok(line: string, input?: string): Promise<string> {
  const { code, out, err } = await run(line, input)
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
  return out
}
const json = async (line: string, input?: string) => JSON.parse(await ok(`${line} --json`, input))

describe('topics', () => {
  it('are created, listed, described, altered and deleted', async () => {
    expect(await ok('topics create made -p 2 -c retention.ms=60000')).toBe('Created made with 2 partitions.\n')
    expect(await ok('topics alter made -p 3 -c retention.ms= -c cleanup.policy=compact')).toBe('Changed made.\n')
    expect(await json('topics describe made')).toMatchObject({
      name: 'made',
      partitions: [{ partition: 0 }, { partition: 1 }, { partition: 2, highWatermark: 0 }],
      config: { 'cleanup.policy': 'compact' },
    })
    const described = await ok('topics describe made --all')
    expect(described).toMatch(/^PARTITION {2}START {2}END {2}SIZE {2}SEGMENTS$/m)
    expect(described).toMatch(/^retention\.ms +604800000 +DEFAULT$/m)
    expect(await ok('topics list')).toMatch(/^TOPIC +PARTITIONS +RECORDS +SIZE +CONFIG\nmade +3 +0 +0 B +cleanup/)
    expect(await ok('topics delete made')).toBe('Deleted made.\n')
    expect(await ok('topics list')).toBe('There are no topics yet.\n')
  })

  it.each([
    {
      line: 'topics describe nowhere',
      code: 1,
      err: "edgelog: There is no topic 'nowhere'. (UNKNOWN_TOPIC_OR_PARTITION)\n",
    },
    { line: 'topics create x -c retention.ms=soon', code: 1, err: /INVALID_CONFIG/ },
    { line: 'topics alter x', code: 2, err: /Say what to change/ },
    { line: 'topics create', code: 2, err: /missing required argument 'topic'/ },
    { line: 'topics create x -p two', code: 2, err: /must be a whole number/ },
    { line: 'topcis list', code: 2, err: /Did you mean topics/ },
    { line: 'topics list --url ftp://x', code: 2, err: /no address of a broker/ },
    { line: 'topics list --url http://127.0.0.1:21999', code: 1, err: /cannot be reached \(ECONNREFUSED\)/ },
    { line: 'schemas list --url http://127.0.0.1:21999', code: 1, err: /cannot be reached \(ECONNREFUSED\)/ },
    { line: 'consume x --url http://127.0.0.1:21999', code: 1, err: /cannot be reached \(ECONNREFUSED\)/ },
    { line: 'produce x --url http://127.0.0.1:21999', code: 1, err: /cannot be reached \(ECONNREFUSED\)/ },
    { line: 'produce x -f nowhere.txt', code: 1, err: 'edgelog: There is no file nowhere.txt.\n' },
    { line: 'schemas register x nowhere.avsc', code: 1, err: 'edgelog: There is no file nowhere.avsc.\n' },
    { line: 'dev --http 0 --kafka 0 --config num.partitions=x', code: 2, err: /Invalid value x for configuration num/ },
    { line: 'dev --http 0 --kafka 0 --config num.partition=1', code: 2, err: /Unknown broker config name/ },
    { line: 'consume x -b --since 1h', code: 2, err: /cannot be used with/ },
    { line: 'topics list --profile nobody', code: 2, err: /no profile "nobody"/ },
  ])('$line ends with $code', async ({ line, code, err }) => {
    const ran = await run(line)
    expect(ran).toMatchObject({ code, out: '' })
    expect(ran.err).toMatch(err)
    expect(ran.err).not.toMatch(/at .*:\d+:\d+/)
  })
})

it('connections are shown for as long as they are', async () => {
  const nobody = await ok('connections')
  expect(nobody).toBe('Nobody is connected.\n')
  await ok('topics create watched -p 2')
  const headers = { 'user-agent': 'a-watcher' }
  const live = await new LiveClient(new URL('/v1/topics/watched/live', broker.http), { headers }).opened()
  await expect.poll(() => ok('connections'), { timeout: 10_000 }).toMatch(/^websocket +a-watcher .* watched \(2\) +-$/m)
  const counts = { websocket: 1 }
  expect(await json('connections --kind websocket')).toMatchObject({ counts, connections: [{ kind: 'websocket' }] })
  expect(await run('connections --kind fax')).toMatchObject({ code: 2 })
  live.cut()
  await expect.poll(() => ok('connections'), { timeout: 10_000 }).toBe(nobody)
})

describe('records', () => {
  it('go in as lines and come out again', async () => {
    await ok('topics create lines -p 1')
    const { code, err } = await run('produce lines -K :', 'a:1\nb:x:y\n')
    expect({ code, err }).toEqual({ code: 0, err: '2 records written to lines.\n' })
    expect(await ok('consume lines --from-beginning --exit --format text')).toBe('0:0  a  1\n0:1  b  x:y\n')
    const whole = '{"key":"k","value":{"n":1},"headers":{"h":"v"}}\n\n{"value":null}\n'
    expect(await json('produce lines --records', whole)).toEqual({ topic: 'lines', records: 2 })
    const read = (await ok('consume lines -o 2 -e --json')).trim().split('\n')
    expect(read.map(line => JSON.parse(line))).toMatchObject([
      { offset: 2, key: 'k', value: { n: 1 }, headers: { h: 'v' } },
      { offset: 3, key: null, value: null },
    ])
    expect(await ok('consume lines -o -1 -e --format json')).toBe('0:3  null\n')
    expect(await ok('consume lines --since 1h -n 1 --format text')).toBe('0:0  a  1\n')
    expect(await ok('consume lines -e')).toBe('')
    expect(await ok('consume lines -o earliest -e --format text -p 0')).toMatch(/^0:0  a  1\n[^]*0:3 /)
    expect(await ok('consume lines -o latest -e')).toBe('')
    const file = join(folder, 'lines.txt')
    writeFileSync(file, 'one\ntwo\n')
    await ok(`produce lines -f ${file}`)
    expect(await json('offsets lines --time 2020-01-01')).toEqual([{ partition: 0, earliest: 0, latest: 6, atTime: 0 }])
  })

  it('end where there is no more to see, whatever transactions left behind', async () => {
    await ok('topics create undone -p 1')
    const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.kafka}`], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: 'undone', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    for (const [value, end] of [
      ['kept', 'commit'],
      ['dropped', 'abort'],
      ['open', undefined],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'undone', messages: [{ value }] })
      if (end !== undefined) await transaction[end]()
    }
    expect(await ok('consume undone -b -e --isolation read_committed')).toBe('0:0  kept\n')
    expect(await ok('consume undone -b -e')).toBe('0:0  kept\n0:2  dropped\n0:4  open\n')
    expect(await run('consume undone -b -e -p 7')).toMatchObject({ code: 1, err: expect.stringContaining('not 7') })
    await producer.disconnect()
  })

  it.each([
    { line: 'produce lines --format json', input: '1\n{\n', err: /^edgelog: Line 2 is not JSON: / },
    { line: 'produce lines -r', input: '{"key":1}\n', err: /^edgelog: Line 1 is no record/ },
    { line: 'produce lines -K =', input: 'a\n', err: /^edgelog: Line 1 has no "="/ },
    { line: 'produce lines -p 9', input: 'a\n', err: /UNKNOWN_TOPIC_OR_PARTITION/ },
  ])('$line refuses a line that is wrong', async ({ line, input, err }) => {
    const ran = await run(line, input)
    expect(ran.code).toBe(1)
    expect(ran.err).toMatch(err)
  })

  it('are followed live, until Ctrl-C', async () => {
    await ok('topics create live -p 1')
    const child = start(['consume', 'live', '-b', '--format', 'text'], { EDGELOG_URL: broker.http.href })
    const end = ended(child)
    const first = says(child, /first/)
    const second = says(child, /second/)
    await ok('produce live', 'first\n')
    await first
    await ok('produce live', 'second\n')
    await second
    child.kill('SIGINT')
    expect(await end).toMatchObject({ code: 0, out: '0:0  first\n0:1  second\n' })
  })
})

it('groups are listed, described, reset and deleted', { timeout: 60_000 }, async () => {
  await ok('topics create read -p 1')
  await ok('produce read', '1\n2\n3\n')
  await ok('consume read -g readers -b -n 2')
  expect(await json('groups list')).toContainEqual({
    group: 'readers',
    state: 'Empty',
    type: 'classic',
    protocolType: 'consumer',
  })
  expect(await ok('groups describe readers -m')).toMatch(
    /^TOPIC +PARTITION +OFFSET +END +LAG +CLIENT\nread +0 +\d +3 +\d +-$/m,
  )
  expect(await ok('groups reset-offsets readers --to-earliest')).toMatch(/Nothing was changed/)
  expect(await json('groups reset-offsets readers -t read --shift-by -1 -x')).toMatchObject({ dryRun: false })
  expect(await json('groups reset-offsets readers --to-latest --execute')).toMatchObject({ offsets: [{ to: 3 }] })
  expect(await json('groups reset-offsets readers --by 1h -x')).toMatchObject({ offsets: [{ to: 0 }] })
  expect(await run('groups reset-offsets readers --shift-by x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('whole number'),
  })
  expect(await run('groups reset-offsets readers')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--to-earliest'),
  })
  expect(await run('groups reset-offsets readers --to-earliest --to-latest')).toMatchObject({ code: 2 })
  expect(await ok('groups delete readers')).toBe('Deleted readers.\n')
})

it('consume with a group goes on behind what it has shown, however it ends', async () => {
  await ok('topics create shared -p 1')
  await ok('produce shared', '1\n2\n3\n4\n5\n')
  expect(await ok('consume shared -g showing -b -n 2')).toBe('0:0  1\n0:1  2\n')
  expect(await json('groups describe showing')).toMatchObject({ offsets: [{ offset: 2 }] })
  const follower = start(['consume', 'shared', '-g', 'showing'], { EDGELOG_URL: broker.http.href })
  await says(follower, /0:4  5/)
  follower.kill('SIGINT')
  expect((await ended(follower)).code).toBe(0)
  expect(await json('groups describe showing')).toMatchObject({ offsets: [{ offset: 5 }] })
})

it('records have colours where somebody looks, and none where that is not wanted', async () => {
  await ok('topics create bright -p 1')
  await ok('produce bright -K = --format json', 'k={"n":[1,"x"]}\n')
  const colours = { EDGELOG_URL: broker.http.href, NO_COLOR: '', FORCE_COLOR: '1' }
  const { out } = await ended(start(['consume', 'bright', '-b', '-e'], colours))
  expect(out).toBe(
    '\u001B[2m0:0\u001B[22m  \u001B[36mk\u001B[39m  ' +
      '{\u001B[36m"n"\u001B[39m:[\u001B[33m1\u001B[39m,\u001B[32m"x"\u001B[39m]}\n',
  )
  expect(await ok('consume bright -b -e')).toBe('0:0  k  {"n":[1,"x"]}\n')
})

it('segments are described, dumped and verified', async () => {
  await ok('topics create stored -p 1')
  await ok('produce stored', 'x\ny\n')
  expect(await json('segments describe stored')).toMatchObject([
    { partition: 0, baseOffset: 0, nextOffset: 2, active: true },
  ])
  expect(await ok('segments dump stored')).toMatch(/^baseOffset: 0 lastOffset: 1 count: 2 .* isvalid: true$/m)
  expect(JSON.parse(await ok('segments dump stored -n 1 --json'))).toMatchObject({ compresscodec: 'none', magic: 2 })
  expect(await ok('segments verify stored')).toMatch(/^stored-0: 1 batch, 2 records, \d+ B\nEverything is whole\.\n$/)
  await ok('topics alter stored -p 2')
  expect(await json('segments verify stored')).toMatchObject([
    { partition: 0, records: 2 },
    { partition: 1, records: 0 },
  ])
  expect(await ok('segments dump stored')).toMatch(/^Dumping stored-0\nbaseOffset.*\nDumping stored-1\n$/)
  expect(await run('segments dump stored -o 1')).toMatchObject({ code: 2 })
  expect(await run('segments describe stored -p 3')).toMatchObject({ code: 1 })
})

it('schemas are registered, shown, checked and deleted', async () => {
  const file = join(folder, 'r.avsc')
  const record = (type: string): string => `{"type":"record","name":"R","fields":[{"name":"a","type":"${type}"}]}`
  writeFileSync(file, record('int'))
  expect(await ok('schemas list')).toBe('There are no schemas yet.\n')
  const { id } = await json(`schemas register s-value ${file}`)
  expect(await ok('schemas list')).toMatch(/s-value +1/)
  expect(await ok(`schemas get ${id}`)).toBe(`${record('int')}\n`)
  expect(await ok(`schemas check s-value ${file}`)).toMatch(/is compatible/)
  expect((await run('schemas check s-value -', record('string'))).code).toBe(1)
  expect(await ok('schemas config s-value --set FULL')).toBe('FULL\n')
  expect(await ok('schemas delete s-value')).toBe('Deleted 1 of s-value.\n')
  expect(await run('schemas get s-value')).toMatchObject({ code: 1, err: expect.stringMatching(/4040\d/) })
})

it('the cluster is shown, and measured', async () => {
  expect(await ok('cluster --config')).toMatch(new RegExp(`0 +localhost:${broker.kafka}\n[^]*num.partitions`))
  expect(await json('bench -n 2000')).toMatchObject([{ records: 200 }, { records: 2000 }, { records: 2000 }])
  expect((await json('topics list')).some(({ name }: { name: string }) => name.startsWith('edgelog-bench'))).toBe(false)
})

it('profiles name brokers, in a file that is nobody else to read', async () => {
  const none = (line: string): Promise<Ran> => ended(start(line.split(' ')))
  await none(`profiles add test ${broker.http.origin} --token secret`)
  expect((await none('profiles list')).out).toMatch(/^\* +test +http:\/\/127\.0\.0\.1:\d+ +yes$/m)
  expect(statSync(join(configFolder, 'edgelog/config.json')).mode & 0o777).toBe(0o600)
  expect(await none('topics list')).toMatchObject({ code: 0 })
  expect(await none('profiles use other')).toMatchObject({ code: 1 })
  expect((await none('profiles remove test')).out).toBe('Forgot test.\n')
})

it('a tunnel is a Kafka port', async () => {
  const tunnel = start(['tunnel', broker.http.href.replace('http', 'ws'), '--listen', '0'])
  const end = ended(tunnel)
  const [, port] = await says(tunnel, /localhost:(\d+) is /)
  // What Metadata advertises is reached past the tunnel: here that is the same broker.
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'tunnelled', numPartitions: 1 }] })
  expect(await admin.listTopics()).toContain('tunnelled')
  await admin.disconnect()
  tunnel.kill('SIGTERM')
  expect((await end).code).toBe(0)
})

it('dev runs a broker until it is told to stop', async () => {
  const dev = start([
    'dev',
    '--http',
    '0',
    '--kafka',
    '0',
    '--data',
    join(folder, 'data'),
    '--config',
    'num.partitions=4',
  ])
  const end = ended(dev)
  const [, url] = await says(dev, /HTTP +(\S+)[^]*Ctrl-C/)
  expect(JSON.parse((await edgelog(['topics', 'create', 'x', '--json'], url!)).out).partitions).toHaveLength(4)
  dev.kill('SIGINT')
  expect((await end).code).toBe(0)
})

it.each(['bash', 'zsh', 'fish'])('completion for %s knows the commands', async shell => {
  expect(await ok(`completion ${shell}`)).toMatch(/reset-offsets/)
})

describe('completion in bash', () => {
  it.each([
    { typed: 'edgelog top', offers: 'topics' },
    { typed: 'edgelog topics de', offers: 'describe delete' },
    { typed: 'edgelog --url http://x --json topics cr', offers: 'create' },
    { typed: 'edgelog topics create orders --p', offers: '--partitions --profile' },
    { typed: 'edgelog consume topics --format ', offers: 'json text base64' },
    { typed: 'edgelog produce orders --file ', offers: '' },
    { typed: 'edgelog completion z', offers: 'zsh' },
  ])('after "$typed" offers "$offers"', async ({ typed, offers }) => {
    const words = typed.split(' ').map(word => `'${word}'`)
    const script = `${await ok('completion bash')}
      COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _edgelog; echo "\${COMPREPLY[*]}"`
    expect((await ended(spawn('bash', ['-c', script]))).out.trimEnd()).toBe(offers)
  })
})
