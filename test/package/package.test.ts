// The package as others have it: packed, installed in an empty project, and used there, with nothing of this tree around.

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOk, run } from '../clients/run.ts'

const root = join(import.meta.dirname, '../..')
const project = mkdtempSync(join(tmpdir(), 'edgelog-package-'))
afterAll(() => rmSync(project, { recursive: true, force: true, maxRetries: 3 }))

let tarball = ''
beforeAll(async () => {
  expectOk(await run('npm', ['pack', '--pack-destination', project], { cwd: root, timeoutMs: 200_000 }))
  tarball = join(
    project,
    readdirSync(project).find(name => name.endsWith('.tgz'))!,
  )
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const options = ['--prefer-offline', '--no-audit', '--no-fund']
  const install = await run('npm', ['install', ...options, tarball, 'kafkajs@2.2.4'], {
    cwd: project,
    timeoutMs: 200_000,
  })
  expectOk(install)
}, 420_000)

/** Runs a module of the project; what it printed. */
async function node(code: string): Promise<string> {
  const file = join(project, 'main.mjs')
  writeFileSync(file, code)
  return expectOk(await run(process.execPath, [file], { cwd: project })).stdout
}

const slow = { timeout: 90_000 }

describe('the package', () => {
  it('is as publint wants it', slow, async () => {
    const { stdout } = expectOk(
      await run(join(root, 'node_modules/.bin/publint'), ['run', tarball, '--strict'], { cwd: root }),
    )
    expect(stdout).toContain('All good!')
  })

  it('has a client below 6 kB gzipped', slow, async () => {
    const length = await node(`
      import { readFileSync } from 'node:fs'
      import { gzipSync } from 'node:zlib'
      console.log(gzipSync(readFileSync(new URL(import.meta.resolve('edgelog/client')))).length)`)
    expect(Number(length)).toBeLessThan(6_000)
  })

  it('brings a broker, a client, and a way for KafkaJS', slow, async () => {
    const said = await node(`
      import { Kafka, logLevel } from 'kafkajs'
      import { Edgelog } from 'edgelog/client'
      import { socketFactory } from 'edgelog/kafkajs'
      import { startBroker } from 'edgelog/testing'

      const broker = await startBroker()
      const edgelog = new Edgelog(broker.http)
      await edgelog.produce('t', { key: 'k', value: { a: 1 } })
      const read = async kafka => {
        const consumer = kafka.consumer({ groupId: String(Math.random()) })
        await consumer.connect()
        await consumer.subscribe({ topic: 't', fromBeginning: true })
        const value = await new Promise(resolve =>
          consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) }))
        await consumer.disconnect()
        return value
      }
      const quiet = { logLevel: logLevel.NOTHING }
      console.log(await read(new Kafka({ ...quiet, brokers: [broker.kafka] })))
      console.log(await read(new Kafka({ ...quiet, brokers: ['any:9092'], socketFactory: socketFactory(broker.http) })))
      console.log((await fetch(new URL('/ui/app.js', broker.http))).status)
      await broker.advance(1_000)
      await broker.evict()
      await broker.restart()
      for await (const { value } of edgelog.consume('t', { offset: 'earliest' })) {
        console.log(JSON.stringify(value))
        break
      }
      await edgelog.close()
      await broker.close()
    `)
    expect(said.trim().split('\n')).toEqual(['{"a":1}', '{"a":1}', '200', '{"a":1}'])
  })

  it('brings the command line', slow, async () => {
    // An older Node cannot even load its zstd, and is to be told what is needed.
    expect(readFileSync(join(project, 'node_modules/edgelog/dist/cli.js'), 'utf8')).not.toContain('node:zlib')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    const { stdout } = expectOk(await run(join(project, 'node_modules/.bin/edgelog'), ['--version'], { cwd: project }))
    expect(stdout.trim()).toBe(version)
  })

  it('has types', slow, async () => {
    writeFileSync(
      join(project, 'main.ts'),
      `import { Kafka } from 'kafkajs'
      import { Edgelog, EdgelogError } from 'edgelog'
      import { socketFactory } from 'edgelog/kafkajs'
      import { startBroker } from 'edgelog/testing'

      interface Order { readonly total: number }

      await using broker = await startBroker({ config: { 'num.partitions': 3 } })
      const http: string = broker.http
      const edgelog = new Edgelog(http, { token: async () => 'x' })
      const { offset } = await edgelog.produce<Order>('orders', { key: 'k', value: { total: 1 } })
      const next: number = offset + 1
      // @ts-expect-error
      await edgelog.produce<Order>('orders', { value: { sum: next } })
      for await (const { value } of edgelog.consume<Order>('orders')) {
        const total: number = value.total
        if (total > 0) throw new EdgelogError({ code: 'x' })
      }
      new Kafka({ brokers: [broker.kafka], socketFactory: socketFactory('wss://x/kafka', { token: 'x' }) })
      `,
    )
    const compilerOptions = {
      ...{ target: 'es2022', module: 'nodenext', lib: ['es2023', 'esnext.disposable'], strict: true, noEmit: true },
      types: ['node'],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
    symlinkSync(join(root, 'node_modules/@types'), join(project, 'node_modules/@types'))
    expectOk(await run(join(root, 'node_modules/.bin/tsc'), ['-p', project], { cwd: project }))
  })
})
