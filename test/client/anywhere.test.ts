// The client where it has to be small and where there is no Node: as one bundle, and in a Worker.

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { Log, LogLevel, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBroker, type TestBroker } from '../../testing/index.ts'

const MAX_GZIPPED_BYTES = 6_000

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker({ vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: 'sesame' } })
})
afterAll(() => broker.close())

const bundle = (contents: string) =>
  build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
  })

it('is less than 6 kB gzipped, and nobody else’s', async () => {
  const { outputFiles, metafile } = await bundle(`export * from '../../client/index.ts'`)
  expect(Object.keys(metafile.inputs).filter(file => !/^client\/|^<stdin>$|stdin$/.test(file))).toEqual([])
  expect(gzipSync(outputFiles[0]!.contents).length).toBeLessThan(MAX_GZIPPED_BYTES)
})

it('produces and consumes in a Worker', async () => {
  const { outputFiles } = await bundle(`
    import { Edgelog } from '../../client/index.ts'
    export default {
      async fetch(request, { BROKER }) {
        const edgelog = new Edgelog(BROKER, { token: () => 'sesame' })
        const refused = await new Edgelog(BROKER).consume('t').next().catch(({ code }) => code)
        await edgelog.produce('t', [1, 2, 3].map(value => ({ value })))
        const values = []
        let resume
        for await (const batch of edgelog.consume('t', { offset: 'earliest' }).batches()) {
          values.push(...batch.records.map(({ value }) => value))
          resume = batch.resume
          if (values.length === 3) break
        }
        const more = edgelog.consume('t', { resume })
        await more.ready
        await edgelog.produce('t', { value: 4 })
        for await (const { value } of more) {
          values.push(value)
          break
        }
        return Response.json({ refused, values })
      }
    }`)
  const worker = new Miniflare({
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    workers: [
      {
        config: {
          name: 'reader',
          compatibilityDate: '2026-10-23',
          manifest: {
            mainModule: 'worker.js',
            modules: { 'worker.js': { type: 'esm', contents: outputFiles[0]!.text } },
          },
          env: { BROKER: { type: 'text', value: broker.http } },
        },
      },
    ],
  })
  try {
    const answer = await fetch(await worker.ready)
    expect(await answer.json()).toEqual({ refused: 'SASL_AUTHENTICATION_FAILED', values: [1, 2, 3, 4] })
  } finally {
    await worker.dispose()
  }
})
