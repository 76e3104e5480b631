// Other people's consumers, and a live one, as members of a group: programs that print the partition and offset of each
// record, and are stopped in peace or killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { toolCommand } from './kafka.ts'
import { cacheFolder } from './run.ts'

/** What a program may take to leave. */
const STOP_TIMEOUT_MS = 30_000
const MAX_SAID = 2_000

export interface Place {
  readonly bootstrap: string
  readonly http: URL
  readonly topic: string
  readonly group: string
}

type Command = readonly [program: string, args: readonly string[]]

const inFolder = (name: string): string => join(import.meta.dirname, name)
const python = join(cacheFolder, 'python/bin/python')
const javascript =
  (client: string) =>
  ({ bootstrap, http, topic, group }: Place): Command => [
    process.execPath,
    [inFolder('members.mjs'), client, join(cacheFolder, 'npm'), bootstrap, http.href, topic, group],
  ]
const java =
  (...properties: string[]) =>
  ({ bootstrap, topic, group }: Place): Command =>
    toolCommand('ConsoleConsumer', [
      ...['--bootstrap-server', bootstrap, '--topic', topic, '--group', group, '--from-beginning'],
      ...['print.partition=true', 'print.offset=true', 'print.value=false'].flatMap(one => [
        '--formatter-property',
        one,
      ]),
      ...properties.flatMap(one => ['--command-property', one]),
    ])

const kcat =
  (...more: string[]) =>
  ({ bootstrap, topic, group }: Place): Command => [
    'kcat',
    [
      ...['-b', bootstrap, '-G', group, '-u', '-q', '-f', '%p %o\n', ...more],
      ...['auto.offset.reset=earliest', 'session.timeout.ms=6000', 'heartbeat.interval.ms=500'].flatMap(x => ['-X', x]),
      topic,
    ],
  ]
const py =
  (client: string, ...protocol: string[]) =>
  ({ bootstrap, topic, group }: Place): Command => [
    python,
    [inFolder('members.py'), client, bootstrap, topic, group, ...protocol],
  ]

/** Each with the assignors it has by itself, KafkaJS with one of the others' added. */
export const commands = {
  websocket: javascript('websocket'),
  KafkaJS: javascript('kafkajs'),
  '@platformatic/kafka': javascript('platformatic'),
  kcat: kcat(),
  /** Told to stop, kcat may drop a record that it has taken and would commit; so this one ends by itself. */
  'kcat -c 3000': kcat('-c', '3000'),
  Java: java('session.timeout.ms=6000', 'heartbeat.interval.ms=500'),
  'Java, cooperative': java(
    'partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
    'heartbeat.interval.ms=500',
  ),
  'Java, KIP-848': java('group.protocol=consumer'),
  'kafka-python': py('kafka_python'),
  'confluent-kafka': py('confluent'),
  'confluent-kafka, cooperative': py('confluent', 'cooperative'),
  'confluent-kafka, KIP-848': py('confluent', 'consumer'),
} satisfies Record<string, (place: Place) => Command>

export type Client = keyof typeof commands

let arrivals = 0

/** `3 17`, and the Java console's `Partition:3	Offset:17`. */
const LINE = /^(?:Partition:)?(\d+)\s+(?:Offset:)?(\d+)/

export class Member {
  readonly client: Client
  /** `partition-offset`, as often as it was printed. */
  readonly records: string[] = []
  /** When, counted through all members: which of two who read the same was first. */
  readonly arrivals: number[] = []
  readonly #child: ChildProcess
  #said = ''

  constructor(client: Client, place: Place) {
    this.client = client
    const [program, args] = commands[client](place)
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface(this.#child.stdout!).on('line', line => {
      const [, partition, offset] = LINE.exec(line) ?? []
      if (partition === undefined) this.#said += `${line}\n`
      else {
        this.records.push(`${partition}-${offset}`)
        this.arrivals.push(arrivals++)
      }
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-MAX_SAID)
    })
    this.#child.on('error', error => (this.#said += String(error)))
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it said beside records, if it has ended by itself. */
  get complaint(): string | undefined {
    return this.isRunning || this.#child.exitCode === 0 ? undefined : `${this.client} ended: ${this.#said}`
  }

  /** Asks it to leave the group, and waits until it has. */
  async stop(): Promise<void> {
    const endsByItself = this.client === 'kcat -c 3000'
    if (!this.isRunning && endsByItself) return
    if (!this.isRunning) throw new Error(this.complaint)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    if (!endsByItself) this.#child.kill('SIGTERM')
    await once(this.#child, 'close')
    clearTimeout(timer)
    if (this.#child.signalCode === 'SIGKILL') throw new Error(`${this.client} did not stop: ${this.#said}`)
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }
}
