// The broker as its user has it: what was answered is there after any ending, and no ending leaves anything running.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Broker, DataFolderInUse, PortInUse, startBroker } from '../../testing/broker.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'edgelog-test-'))
  endings.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }))
  return path
}

async function broker(options: Parameters<typeof startBroker>[0] = {}): Promise<Broker> {
  const started = await startBroker({ log: () => {}, ...options })
  endings.push(() => started.close())
  return started
}

/** `npm start` without npm, up or ended. */
async function start(env: Record<string, string>): Promise<{ child: ChildProcess; url: string; said: () => string }> {
  const child = spawn(process.execPath, ['scripts/start.js'], { env: { ...process.env, ...env } })
  endings.push(() => child.kill('SIGKILL'))
  let said = ''
  const up = new Promise<void>(resolve => {
    const hear = (text: Buffer): void => {
      said += text
      if (said.includes('Ctrl-C')) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
  })
  await Promise.race([up, once(child, 'exit')])
  return { child, url: /http:\S+?:\d+/.exec(said)?.[0] ?? '', said: () => said }
}

const anywhere = { EDGELOG_HTTP_PORT: '0', EDGELOG_KAFKA_PORT: '0' }

async function produce(http: URL | string, value: string): Promise<number> {
  const answer = await fetch(new URL('/v1/topics/kept/records', http), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ value }),
  })
  const { records } = (await answer.json()) as { records: { offset: number }[] }
  return records[0]!.offset
}

async function consume(http: URL | string): Promise<Map<number, string>> {
  const answer = await fetch(new URL('/v1/topics/kept/partitions/0/records?offset=earliest&limit=10000', http))
  const { records } = (await answer.json()) as { records: { offset: number; value: string }[] }
  return new Map(records.map(({ offset, value }) => [offset, value] as const))
}

/** Four producers that go on until they cannot, and what they were told is kept. */
async function produceUntilItEnds(http: URL | string, kill: () => void): Promise<Map<number, string>> {
  const kept = new Map<number, string>()
  const producers = Array.from({ length: 4 }, async (_, producer) => {
    for (let i = 0; ; i++) {
      const value = `${producer}-${i}`
      kept.set(await produce(http, value), value)
      if (kept.size === 200) kill()
    }
  })
  await Promise.allSettled(producers)
  return kept
}

/** Every workerd alive (the dead may wait to be buried). */
function workerds(): { pid: number; parent: number }[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([, , state, ...args]) => !state?.startsWith('Z') && args.join(' ').includes('workerd serve'))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
}

/** Resolves once nobody listens any more; the runner's time limit bounds it. */
async function silent(url: string): Promise<void> {
  const { hostname: host, port } = new URL(url)
  for (;;) {
    const socket = connect({ host, port: Number(port) })
    const refused = await Promise.race([once(socket, 'connect').then(() => false), once(socket, 'error')]).catch(
      () => true,
    )
    socket.destroy()
    if (refused) return
  }
}

describe('a broker', () => {
  it('answers over HTTP and TCP on free ports, and forgets when nobody named a folder', async () => {
    const first = await broker()
    expect(await produce(first.http, 'hello')).toBe(0)
    const socket = connect(first.kafka, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
    await first.close()
    const second = await broker()
    expect(await produce(second.http, 'again')).toBe(0)
  })

  it('listens on as many Kafka ports as it is asked to', async () => {
    const { kafka, kafkaPorts } = await broker({ kafka: [0, 0, 0] })
    expect(kafkaPorts[0]).toBe(kafka)
    expect(new Set(kafkaPorts).size).toBe(3)
    for (const port of kafkaPorts) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
    }
  })

  it('keeps what it answered in the folder it was given', async () => {
    const data = folder()
    const first = await broker({ data })
    await produce(first.http, 'a')
    await produce(first.http, 'b')
    await first.close()
    const second = await broker({ data })
    expect([...(await consume(second.http)).values()]).toEqual(['a', 'b'])
    expect(await produce(second.http, 'c')).toBe(2)
  })

  it('refuses a port and a folder that are in use', async () => {
    const data = folder()
    const first = await broker({ data })
    await expect(startBroker({ http: Number(first.http.port) })).rejects.toThrow(PortInUse)
    await expect(startBroker({ kafka: first.kafka })).rejects.toThrow(PortInUse)
    await expect(startBroker({ data })).rejects.toThrow(DataFolderInUse)
  })

  it('passes settings to the Worker', async () => {
    const closed = await broker({ vars: { EDGELOG_LOCAL: '0' } })
    expect((await fetch(new URL('/v1/topics', closed.http))).status).toBeGreaterThanOrEqual(400)
  })

  it('has everything it answered after workerd is killed, and is up again by itself', async () => {
    const logged: string[] = []
    const { http } = await broker({ log: (_, message) => logged.push(message) })
    const kept = await produceUntilItEnds(http, () => {
      for (const { pid, parent } of workerds()) if (parent === process.pid) process.kill(pid, 'SIGKILL')
    })
    let found: Map<number, string> | undefined
    await vi.waitUntil(() => logged.includes('workerd ended unexpectedly and was started again.'), { timeout: 10_000 })
    while (found === undefined) found = await consume(http).catch(() => undefined)
    expect(kept.size).toBeGreaterThanOrEqual(200)
    for (const [offset, value] of kept) expect(found.get(offset)).toBe(value)
  })
})

describe('npm start', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends cleanly on %s', async signal => {
    const { child, url, said } = await start({ ...anywhere, EDGELOG_DATA: folder() })
    expect(said()).toMatch(/HTTP +http:\/\/127.0.0.1:\d+ /)
    expect(said()).toMatch(/Kafka +localhost:\d+/)
    expect(said()).not.toMatch(/warn|error/i)
    const workerd = workerds().find(({ parent }) => parent === child.pid)!
    expect(workerd).toBeDefined()
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    await silent(url)
    expect(workerds()).not.toContainEqual(expect.objectContaining({ pid: workerd.pid }))
  })

  it('says in one sentence that a port is in use', async () => {
    const { http } = await broker()
    const { child, said } = await start({ ...anywhere, EDGELOG_HTTP_PORT: http.port, EDGELOG_DATA: folder() })
    expect(said().trim().split('\n')).toEqual([expect.stringContaining(`Port ${http.port} is in use.`)])
    expect(child.exitCode).toBe(1)
  })

  it('says what is wrong with a port that is none', async () => {
    const { child, said } = await start({ ...anywhere, EDGELOG_KAFKA_PORT: 'kafka', EDGELOG_DATA: folder() })
    expect(said()).toContain('EDGELOG_KAFKA_PORT is "kafka"')
    expect(child.exitCode).toBe(1)
  })

  it('leaves no workerd and loses nothing answered when it is killed outright', async () => {
    const data = folder()
    const first = await start({ ...anywhere, EDGELOG_DATA: data })
    const kept = await produceUntilItEnds(first.url, () => first.child.kill('SIGKILL'))
    await silent(first.url)
    const second = await start({ ...anywhere, EDGELOG_DATA: data })
    const found = await consume(second.url)
    expect(kept.size).toBeGreaterThanOrEqual(200)
    for (const [offset, value] of kept) expect(found.get(offset)).toBe(value)
  })
})

describe('the files of partitions', () => {
  const topic = (broker: Broker, name: string, partitions: number): Promise<Response> =>
    fetch(new URL('/v1/topics', broker.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, partitions }),
    })
  const filesOf = ({ data }: Broker): string[] => {
    const partitions = join(data, 'v3/do/edgelog-PartitionObject')
    return readdirSync(partitions).flatMap(file => (/^[\da-f]{64}\.sqlite$/.test(file) ? join(partitions, file) : []))
  }
  const pageBytes = (file: string): unknown => {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return [database.prepare('PRAGMA page_size').get(), database.prepare('PRAGMA integrity_check').get()]
    } finally {
      database.close()
    }
  }

  it('have large pages from the start, with what is stored in them', async () => {
    const data = folder()
    const first = await broker({ data })
    expect((await topic(first, 'kept', 3)).status).toBe(201)
    for (let i = 0; i < 6; i++) await produce(first.http, `v${i}`)
    await first.close()
    const found = filesOf(first).map(pageBytes)
    expect(found).toEqual(Array.from({ length: 3 }, () => [{ page_size: 16_384 }, { integrity_check: 'ok' }]))
    expect((await consume((await broker({ data })).http)).size).toBeGreaterThan(0)
  })

  it('are not left by topics that could not be created', async () => {
    const started = await broker()
    const answers = await Promise.all(Array.from({ length: 8 }, () => topic(started, 'once', 2)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
    expect((await topic(started, 'not/a/name', 2)).status).toBe(400)
    expect(filesOf(started)).toHaveLength(2)
  })

  it('stay small where there are many', async () => {
    const started = await broker()
    await topic(started, 'many', 65)
    const sizes = new Set(filesOf(started).map(file => JSON.stringify(pageBytes(file))))
    expect([...sizes]).toEqual([JSON.stringify([{ page_size: 4_096 }, { integrity_check: 'ok' }])])
  })
})
