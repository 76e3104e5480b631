// Kafka Connect, distributed, with its REST on port 8083: a file becomes a topic and the topic another file, over pauses,
// restarts and kills. Its configs, offsets and states are compacted topics here, its source writes in transactions.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { expectNoComplaints, type Program, startJava, until } from './jvm.ts'
import { ecosystemJar, tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk, temporaryFolder } from './run.ts'

const REST_PORT = Number(process.env['EDGELOG_CONNECT_PORT'] ?? 8083)
const TOPIC = 'lines'
const LINES = 2_000
const GROW_MS = 15_000
/** Of the worker, in the middle of its work. */
const KILLS = 4
/** How long a paused connector is watched doing nothing. */
const WATCHED_MS = 3_000

/** What Connect says of itself: as it starts behind its configs, and as it leaves without waiting for the answer. */
const EXPECTED = [/Catching up to assignment's config offset/, /Close timed out with 1 pending requests to coordinator/]

export async function connect(checks: Checks, broker: Killable): Promise<void> {
  const folder = temporaryFolder()
  const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')]
  const properties = join(folder, 'worker.properties')
  writeFileSync(properties, WORKER(broker.port))
  const logs: string[] = []
  const start = () =>
    startJava('org.apache.kafka.connect.cli.ConnectDistributed', [properties], { name: 'connect-worker' })
  let worker = start()
  const restart = async (how: 'kill' | 'stop'): Promise<void> => {
    await worker[how]()
    logs.push(worker.log)
    worker = start()
    await up(worker)
  }
  const lines: string[] = []
  const append = (count: number): void => {
    const more = Array.from({ length: count }, (_, i) => `line ${lines.length + i}`)
    lines.push(...more)
    appendFileSync(input, `${more.join('\n')}\n`)
  }
  const written = (): string[] => (existsSync(output) ? readFileSync(output, 'utf8').trimEnd().split('\n') : [])
  /**
   * A file source that filled a batch keeps what is left in its buffer until the file grows, so once in a while it does.
   */
  const arrived = async (what: string): Promise<void> => {
    let growMs = Date.now() + GROW_MS
    await until(
      `${what} in the sink's file`,
      () => {
        if (Date.now() > growMs) {
          append(1)
          growMs += GROW_MS
        }
        return written().at(-1) === lines.at(-1)
      },
      { programs: [worker] },
    )
  }
  const running = (name: string): Promise<void> =>
    until(`${name} running`, async () => (await states(name)).every(state => state === 'RUNNING'), {
      programs: [worker],
    })
  const committed = async (): Promise<number | undefined> => {
    const { offsets } = (await rest('GET', '/connectors/sink/offsets')) as { offsets: { offset: SinkOffset }[] }
    return offsets[0]?.offset.kafka_offset
  }
  const end = async () => Number((await ok('GetOffsetShell', '--topic', TOPIC)).trim().split(':')[2])
  const bootstrap = ['--bootstrap-server', `localhost:${broker.port}`]
  const ok = async (name: string, ...args: string[]) => expectOk(await tool(name, [...bootstrap, ...args])).stdout

  await checks.check('Connect: a worker is up, its topics compacted', async () => {
    await up(worker)
    for (const topic of ['configs', 'offsets', 'status'])
      expectSaid(await ok('TopicCommand', '--describe', '--topic', `connect-${topic}`), /cleanup\.policy=compact/)
    const plugins = (await rest('GET', '/connector-plugins')) as { class: string }[]
    expectEqual(plugins.filter(({ class: name }) => /FileStream/.test(name)).length, 2, 'plugins')
  })
  await checks.check('Connect: a file goes through a topic into another file', async () => {
    await ok('TopicCommand', '--create', '--topic', TOPIC)
    append(LINES)
    await rest('PUT', '/connectors/source/config', {
      'connector.class': 'FileStreamSource',
      'tasks.max': '1',
      file: input,
      topic: TOPIC,
      'exactly.once.support': 'required',
      'batch.size': '100',
    })
    await rest('PUT', '/connectors/sink/config', {
      'connector.class': 'FileStreamSink',
      'tasks.max': '1',
      file: output,
      topics: TOPIC,
      'consumer.override.isolation.level': 'read_committed',
    })
    await Promise.all(['source', 'sink'].map(running))
    await arrived('every line')
    expectEqual(written(), lines, 'the file')
    expectEqual(((await rest('GET', '/connectors')) as string[]).toSorted(), ['sink', 'source'], 'connectors')
  })
  await checks.check('Connect: what is paused waits, what is resumed goes on', async () => {
    await rest('PUT', '/connectors/source/pause')
    await until('the source paused', async () => (await states('source')).every(state => state === 'PAUSED'))
    append(10)
    const before = written().length
    await new Promise(resolve => setTimeout(resolve, WATCHED_MS))
    expectEqual(written().length, before, 'lines while paused')
    await rest('PUT', '/connectors/source/resume')
    await running('source')
    await arrived('what was written meanwhile')
    expectEqual(written(), lines, 'the file')
  })
  await checks.check('Connect: connectors and tasks are restarted', async () => {
    for (const name of ['source', 'sink']) {
      await rest('POST', `/connectors/${name}/restart?includeTasks=true`)
      await running(name)
    }
    append(10)
    await arrived('lines after it')
    expectEqual(written(), lines, 'the file')
  })
  await checks.check('Connect: a worker stopped and started has its connectors, and where they were', async () => {
    await restart('stop')
    append(10)
    await Promise.all(['source', 'sink'].map(running))
    await arrived('lines after it')
    expectEqual(written(), lines, 'the file')
    const { offsets } = (await rest('GET', '/connectors/source/offsets')) as { offsets: { offset: object }[] }
    expectEqual(offsets[0]!.offset, { position: readFileSync(input).length }, 'the offset of the source')
  })
  await checks.check('Connect: a worker killed at rest repeats nothing', async () => {
    // Behind the last record there is the marker of its transaction.
    await until('the offset of the sink committed', async () => ((await committed()) ?? 0) >= (await end()) - 1, {
      programs: [worker],
    })
    await restart('kill')
    append(10)
    await arrived('lines after it')
    expectEqual(written(), lines, 'the file')
  })
  await checks.check(
    `Connect: ${KILLS} kills of the worker and one of the broker lose and repeat no line`,
    async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        append(LINES)
        const begun = `line ${lines.length - LINES + 100}`
        await until('the lines begin to arrive', () => written().includes(begun), { programs: [worker] })
        if (kill === 2) await broker.restart()
        await restart('kill')
        // A worker without a broker complains, and should.
        if (kill === 2) logs.pop()
      }
      append(1)
      await arrived('the last line')
      const args = ['--topic', TOPIC, '--partition', '0', '--from-beginning', '--isolation-level', 'read_committed']
      const consumed = await ok('ConsoleConsumer', ...args, '--max-messages', String(lines.length))
      expectEqual(consumed.trimEnd().split('\n'), lines, 'the topic')
      expectOnlyRepeats(
        written().map(line => Number(line.split(' ')[1])),
        lines.length,
      )
    },
  )
  await worker.stop()
  logs.push(worker.log)
  await checks.check('Connect: nothing in its log that the broker is to blame for', async () =>
    expectNoComplaints(logs.join('\n'), EXPECTED),
  )
}

/**
 * A sink into files writes before its offsets are committed: a kill may send it back, over lines that it wrote already. It
 * leaves out none.
 */
function expectOnlyRepeats(steps: readonly number[], count: number): void {
  let [last, before] = [-1, -1]
  for (const step of steps) {
    if (step !== before + 1 && step > last) throw new Error(`line ${step} came after line ${before}`)
    before = step
    last = Math.max(last, step)
  }
  expectEqual(last, count - 1, 'the last line')
}

interface SinkOffset {
  readonly kafka_offset: number
}

const up = (worker: Program): Promise<void> =>
  until('the REST of the worker', async () => Array.isArray(await rest('GET', '/connectors').catch(() => undefined)), {
    programs: [worker],
    timeoutMs: 180_000,
  })

async function rest(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${REST_PORT}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Of a connector and its tasks. */
async function states(name: string): Promise<string[]> {
  const status = (await rest('GET', `/connectors/${name}/status`).catch(() => undefined)) as
    | { connector: { state: string }; tasks: { state: string; trace?: string }[] }
    | undefined
  if (status === undefined) return ['UNKNOWN']
  const failed = status.tasks.find(({ state }) => state === 'FAILED')
  if (failed !== undefined) throw new Error(`${name} failed: ${failed.trace}`)
  const { connector, tasks } = status
  const stopped = connector.state === 'STOPPED' || tasks.length > 0
  return stopped ? [connector.state, ...tasks.map(({ state }) => state)] : ['UNASSIGNED']
}

const WORKER = (port: number): string => `bootstrap.servers=localhost:${port}
group.id=connect
listeners=http://127.0.0.1:${REST_PORT}
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.flush.interval.ms=500
exactly.once.source.support=enabled
consumer.session.timeout.ms=6000
producer.transaction.timeout.ms=10000
session.timeout.ms=6000
heartbeat.interval.ms=1000
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
plugin.discovery=service_load
plugin.path=${ecosystemJar('connect-file')}
`
