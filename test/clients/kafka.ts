// Apache Kafka itself, as a witness: its jars from Maven Central in a cache folder, its command-line tools, and a broker of its
// own to compare with. Needs Java 17 and Maven.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, type Ran, run } from './run.ts'

export const KAFKA_VERSION = '4.3.1'
/** What a tool may take, a slow machine's start of Java included. */
const TOOL_TIMEOUT_MS = 120_000
const START_TIMEOUT_MS = 60_000

const folder = join(cacheFolder, `kafka-${KAFKA_VERSION}`)
const libs = join(folder, 'libs')
const ecosystem = join(folder, 'ecosystem')
/** Where Kafka's jars are, and with them those of `haveEcosystem`. */
export const classPath = `${libs}/*`
export const ecosystemClassPath = `${libs}/*:${ecosystem}/libs/*`
export const ecosystemJar = (name: string): string => join(ecosystem, 'libs', `${name}-${KAFKA_VERSION}.jar`)

/** Downloads the jars unless they are there. False: there is no Java or Maven, or they could not be had. */
export async function haveKafka(): Promise<boolean> {
  if ((await run('java', ['-version'])).code !== 0) return false
  writeLogging()
  return haveJars(folder, `kafka-tools-${KAFKA_VERSION}.jar`, POM)
}

/** What stands on Kafka and is not needed by its own tools: Streams, Connect and MirrorMaker, in a folder of their own. */
export async function haveEcosystem(): Promise<boolean> {
  if (!(await haveKafka()) || (await run('javac', ['-version'])).code !== 0) return false
  return haveJars(ecosystem, `connect-mirror-${KAFKA_VERSION}.jar`, ECOSYSTEM_POM)
}

async function haveJars(into: string, oneOfThem: string, pom: string): Promise<boolean> {
  const jars = join(into, 'libs')
  if (existsSync(join(jars, oneOfThem))) return true
  mkdirSync(into, { recursive: true })
  writeFileSync(join(into, 'pom.xml'), pom)
  const goal = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`, '-DincludeScope=runtime']
  return (await run('mvn', goal, { cwd: into, timeoutMs: 600_000 })).code === 0
}

/** Runs one of Kafka's tools by the name of its class. */
export const tool = (name: string, args: readonly string[], stdin = ''): Promise<Ran> =>
  run(...toolCommand(name, args), { stdin, timeoutMs: TOOL_TIMEOUT_MS })

export const toolCommand = (name: string, args: readonly string[]): [program: string, args: string[]] => [
  'java',
  [...javaOptions('256m'), TOOLS[name] ?? `org.apache.kafka.tools.${name}`, ...args],
]

const TOOLS: Readonly<Record<string, string>> = {
  ConfigCommand: 'kafka.admin.ConfigCommand',
  ReassignPartitionsCommand: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  ConsoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  ConsumerGroupCommand: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  StreamsGroupCommand: 'org.apache.kafka.tools.streams.StreamsGroupCommand',
  StorageTool: 'kafka.tools.StorageTool',
}

export interface Kafka {
  readonly port: number
  close(): Promise<void>
}

/** A single-node broker, number 0 as Edgelog's first is, with an empty data folder; `properties` go on top of its own. */
export async function startKafka(
  port: number,
  { properties: more = [], heap = '512m' }: { properties?: readonly string[]; heap?: string } = {},
): Promise<Kafka> {
  if (await accepts(port)) throw new Error(`Something listens on port ${port} already`)
  const data = mkdtempSync(join(tmpdir(), 'kafka-'))
  const properties = join(data, 'server.properties')
  writeFileSync(properties, [PROPERTIES(port, join(data, 'log')), ...more, ''].join('\n'))
  const id = '4L6g3nShT-eMCtK--X86sw'
  const formatted = await tool('StorageTool', ['format', '-t', id, '-c', properties])
  if (formatted.code !== 0) throw new Error(formatted.stderr || formatted.stdout)
  const kafka = spawn('java', [...javaOptions(heap), 'kafka.Kafka', properties], { stdio: 'ignore' })
  const orphaned = (): boolean => kafka.kill('SIGKILL')
  process.once('exit', orphaned)
  const ended = new Promise<void>(resolve => kafka.once('exit', () => resolve()))
  const close = async (): Promise<void> => {
    kafka.kill()
    await ended
    process.off('exit', orphaned)
    rmSync(data, { recursive: true, force: true })
  }
  const deadlineMs = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    if (Date.now() > deadlineMs || kafka.exitCode !== null) {
      await close()
      throw new Error('Apache Kafka did not start')
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  return { port, close }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const javaOptions = (heap: string): string[] => [
  `-Xmx${heap}`,
  `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
  '-cp',
  classPath,
]

function writeLogging(): void {
  mkdirSync(folder, { recursive: true })
  const lines = ['appender.e.type = Console', 'appender.e.name = E', 'appender.e.target = SYSTEM_ERR']
  const root = ['rootLogger.level = error', 'rootLogger.appenderRef.e.ref = E']
  writeFileSync(join(folder, 'log4j2.properties'), [...lines, ...root, ''].join('\n'))
}

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`

const project = (
  ...dependencies: string[]
): string => `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>edgelog</groupId><artifactId>witness</artifactId><version>1</version><packaging>pom</packaging><dependencies>
${dependencies.join('\n')}
</dependencies></project>
`

const POM = project(
  dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION),
  dependency('org.apache.kafka', 'kafka-tools', KAFKA_VERSION),
  dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4'),
)

const ECOSYSTEM = ['kafka-streams', 'kafka-streams-examples', 'connect-runtime', 'connect-file', 'connect-mirror']
const ECOSYSTEM_POM = project(...ECOSYSTEM.map(artifact => dependency('org.apache.kafka', artifact, KAFKA_VERSION)))

const PROPERTIES = (port: number, log: string): string => `process.roles=broker,controller
node.id=0
controller.quorum.voters=0@127.0.0.1:${port + 1}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${log}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`
