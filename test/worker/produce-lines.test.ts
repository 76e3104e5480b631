// Lines of a client that waits for answers before it goes on, over partitions that take their time.

import type { Context } from 'hono'
import { describe, expect, it, vi } from 'vitest'
import type { AppendRequest } from '../../src/log/append.ts'
import type { AppEnv } from '../../src/worker/app.ts'
import { NDJSON } from '../../src/worker/media.ts'
import { produceLines } from '../../src/worker/produce-lines.ts'

/** A stream of lines to a topic of one partition, whose appends are answered when the test says so. */
function stream() {
  const appends: { readonly request: AppendRequest; answer(): void }[] = []
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({ start: given => void (controller = given) })
  const raw = new Request('http://x/', { method: 'POST', body, duplex: 'half' } as RequestInit)
  const broker = {
    configs: {},
    topicOrCreate: async () => ({ name: 't', partitions: 1, config: {}, internal: false }),
    append: (_: unknown, __: number, request: AppendRequest) =>
      new Promise(resolve => {
        const baseOffset = appends.length
        const result = { baseOffset, logAppendTime: -1, logStartOffset: 0, duplicate: false }
        appends.push({ request, answer: () => resolve(result) })
      }),
  }
  const c = { req: { raw, header: () => NDJSON }, var: { broker } } as unknown as Context<AppEnv>
  const answered = produceLines(c, {
    topic: 't',
    partition: undefined,
    unanswered: false,
    format: 'json',
    keyFormat: 'text',
    key: null,
    idempotencyKey: undefined,
    schemas: undefined,
  })
  return {
    appends,
    answered,
    line: (value: number) => controller.enqueue(new TextEncoder().encode(`{"value":${value}}\n`)),
    end: () => controller.close(),
  }
}

/** Longer than lines gather while they keep coming. */
const lingered = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 40))

describe('lines of a client that waits for each answer', () => {
  it('are appended and answered while a line before them is still on its way', async () => {
    const { appends, answered, line, end } = stream()
    line(0)
    await vi.waitUntil(() => appends.length === 1)
    await lingered()
    line(1)
    await lingered()
    expect(appends).toHaveLength(1)
    appends[0]!.answer()
    // Nothing more comes: the client waits for what became of its second line.
    await vi.waitUntil(() => appends.length === 2)
    appends[1]!.answer()
    const lines = (await answered).body!.pipeThrough(new TextDecoderStream()).getReader()
    let said = ''
    while (said.split('\n').length < 3) said += (await lines.read()).value
    expect(said).toMatch(/"offset":0,.*\n.*"offset":1,/)
    end()
    expect(await lines.read()).toMatchObject({ done: true })
  })

  it('go together if they came while the partition was busy', async () => {
    const { appends, answered, line, end } = stream()
    line(0)
    await vi.waitUntil(() => appends.length === 1)
    for (let value = 1; value < 5; value++) {
      await lingered()
      line(value)
    }
    await lingered()
    appends[0]!.answer()
    await vi.waitUntil(() => appends.length === 2)
    expect(appends[1]!.request.records.length).toBeGreaterThan(appends[0]!.request.records.length + 4)
    appends[1]!.answer()
    end()
    expect((await (await answered).text()).split('\n')).toHaveLength(6)
  })
})
