// Kill the broker at any moment, as a power cut would: what was acknowledged is there after a restart, once and in order.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const data = mkdtempSync(join(tmpdir(), 'edgelog-kill-'))
let child: ChildProcess | undefined
afterAll(() => {
  child?.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
})

/** The broker as its user starts it, in a process of its own. */
async function start(): Promise<string> {
  const env = { ...process.env, EDGELOG_DATA: data, EDGELOG_HTTP_PORT: '0', EDGELOG_KAFKA_PORT: '0' }
  child = spawn(process.execPath, ['scripts/start.js'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  for await (const text of child.stdout!.setEncoding('utf8')) {
    printed += text
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0]
    if (url !== undefined) return url
  }
  throw new Error(`the broker ended before it was up: ${printed}`)
}

interface Acknowledged {
  readonly offset: number
  readonly value: string
}

/** Produces until the broker dies under it; returns what was acknowledged. */
async function produceUntilDeath(url: string, producer: string): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = []
  for (let n = 0; ; n++) {
    const value = `${producer}-${n}`
    try {
      const response = await fetch(`${url}/v1/topics/kept/partitions/0/records`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ value }),
      })
      if (!response.ok) return acknowledged
      const { records } = (await response.json()) as { records: { offset: number }[] }
      acknowledged.push({ offset: records[0]!.offset, value })
    } catch {
      return acknowledged
    }
  }
}

async function readAll(url: string): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (let offset = 0; ;) {
    const response = await fetch(`${url}/v1/topics/kept/partitions/0/records?offset=${offset}&limit=10000`)
    const page = (await response.json()) as { records: { offset: number; value: string }[]; nextOffset: number }
    for (const record of page.records) {
      expect(found.has(record.offset)).toBe(false)
      found.set(record.offset, record.value)
    }
    if (page.nextOffset === offset) return found
    offset = page.nextOffset
  }
}

it('loses and repeats nothing acknowledged over three kills', { timeout: 60_000 }, async () => {
  const acknowledged: Acknowledged[] = []
  for (let round = 0; round < 3; round++) {
    const url = await start()
    await fetch(`${url}/v1/topics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"kept"}',
    })
    const producing = Array.from({ length: 8 }, (_, i) => produceUntilDeath(url, `${round}-${i}`))
    await new Promise(resolve => setTimeout(resolve, 300 + round * 170))
    child!.kill('SIGKILL')
    await once(child!, 'exit')
    acknowledged.push(...(await Promise.all(producing)).flat())
  }
  expect(acknowledged.length).toBeGreaterThan(100)
  const found = await readAll(await start())
  for (const { offset, value } of acknowledged) expect(found.get(offset)).toBe(value)
  const values = [...found.entries()].toSorted(([a], [b]) => a - b).map(([, value]) => value)
  expect(new Set(values).size).toBe(values.length)
  for (const [producer, numbers] of numbersByProducer(values)) {
    expect(numbers, producer).toEqual(numbers.toSorted((a, b) => a - b))
  }
})

function numbersByProducer(values: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>()
  for (const value of values) {
    const [round, producer, n] = value.split('-')
    const key = `${round}-${producer}`
    numbers.set(key, [...(numbers.get(key) ?? []), Number(n)])
  }
  return numbers
}
