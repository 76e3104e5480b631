// Java programs that run on while something else is looked at: watched through their logs, killed outright, started again.
// What they complain of that Apache Kafka would not have given them cause for is held against the broker.

import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ecosystemClassPath } from './kafka.ts'
import { cacheFolder, expectOk, run, temporaryFolder } from './run.ts'

/** What is kept of a log to be looked at; all of it is in the cache folder, under logs. */
const MAX_LOG_LENGTH = 16_777_216
const HEAP = '256m'
const WAIT_MS = 240_000
const LOOK_MS = 200

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// Whoever stops the proof stops what it started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

export interface Program {
  /** Everything it has said so far, on both streams. */
  readonly log: string
  readonly pid: number
  readonly ended: boolean
  /** SIGKILL: no chance to tidy up. */
  kill(): Promise<void>
  /** SIGTERM, as an administrator stops it. */
  stop(): Promise<void>
  /** Waits until it has ended by itself. */
  end(timeoutMs?: number): Promise<number>
}

interface Options {
  readonly classPath?: readonly string[]
  /** Appended to the file in `logs` that bears this name. */
  readonly name: string
}

/** Starts a class of the ecosystem. It says on standard error what is of level INFO and above. */
export function startJava(className: string, args: readonly string[], { classPath = [], name }: Options): Program {
  const logs = join(cacheFolder, 'logs')
  mkdirSync(logs, { recursive: true })
  const logging = join(logs, 'log4j2.properties')
  writeFileSync(logging, LOGGING)
  const file = createWriteStream(join(logs, `${name}.log`), { flags: 'a' })
  const jvm = [`-Xmx${HEAP}`, '-XX:+UseSerialGC', `-Dlog4j2.configurationFile=${logging}`]
  const child = spawn('java', [...jvm, '-cp', [...classPath, ecosystemClassPath].join(':'), className, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-MAX_LOG_LENGTH)
      file.write(text)
    })
  const closed = new Promise<number>(resolve =>
    child.once('close', code => {
      running.delete(child)
      file.end()
      resolve(code ?? 1)
    }),
  )
  const finish = (signal: NodeJS.Signals) => async (): Promise<void> => {
    child.kill(signal)
    await closed
  }
  const kill = finish('SIGKILL')
  return {
    get log() {
      return log
    },
    get ended() {
      return !running.has(child)
    },
    pid: child.pid!,
    kill,
    async stop() {
      const timer = setTimeout(() => void kill(), WAIT_MS)
      await finish('SIGTERM')()
      clearTimeout(timer)
    },
    async end(timeoutMs = WAIT_MS) {
      const timer = setTimeout(() => void kill(), timeoutMs)
      const code = await closed
      clearTimeout(timer)
      return code
    },
  }
}

/** Compiles a source of `test/clients/java`; what comes back goes into a class path. */
export async function compile(source: string): Promise<string> {
  const classes = temporaryFolder()
  expectOk(
    await run('javac', ['-cp', ecosystemClassPath, '-d', classes, join(import.meta.dirname, 'java', source)], {
      timeoutMs: WAIT_MS,
    }),
  )
  return classes
}

/** Waits for something, as long as the programs it needs are alive. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { timeoutMs = WAIT_MS, programs = [] }: { timeoutMs?: number; programs?: readonly Program[] } = {},
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  while (!(await isSo())) {
    const dead = programs.find(({ ended }) => ended)
    if (dead !== undefined) throw new Error(`waiting for: ${what}; it ended:\n${dead.log.slice(-2_000)}`)
    if (Date.now() > deadlineMs)
      throw new Error(
        `not within ${timeoutMs} ms: ${what}\n${programs.map(({ log }) => log.slice(-1_500)).join('\n---\n')}`,
      )
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}

/** No warning and no error in these logs but those that a program has with Apache Kafka, too. */
export function expectNoComplaints(logs: string, expected: readonly RegExp[]): void {
  const complaints = logs
    .split('\n')
    .filter(line => /^\S+ (WARN|ERROR) /.test(line) && ![...ALWAYS, ...expected].some(known => known.test(line)))
  if (complaints.length > 0)
    throw new Error(`${complaints.length} complaints:\n${complaints.slice(0, 12).join('\n').slice(0, 1_900)}`)
}

/** What has nothing to do with any broker. */
const ALWAYS = [/SLF4J/, /These configurations .* were supplied but are not used yet/]

const LOGGING = `appender.e.type = Console
appender.e.name = E
appender.e.target = SYSTEM_ERR
appender.e.layout.type = PatternLayout
appender.e.layout.pattern = %d{HH:mm:ss,SSS} %p %m (%c{1})%n%ex
rootLogger.level = info
rootLogger.appenderRef.e.ref = E
logger.configs.name = org.apache.kafka.common.config.AbstractConfig
logger.configs.level = warn
logger.versions.name = org.apache.kafka.common.utils.AppInfoParser
logger.versions.level = warn
`
