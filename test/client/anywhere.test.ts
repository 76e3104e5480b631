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

const PROGRAM = `
  const refused = await new Edgelog(url, { fetch }).consume('t').next().catch(({ code }) => code)
  const first = await edgelog.produce('t', [1, 2, 3].map(value => ({ value })))
  const values = []
  let resume
  for await (const batch of edgelog.consume('t', { offset: first[0].offset }).batches()) {
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
  return Response.json({ refused, values })`

/** A Worker beside another one that passes everything on to the broker, as a service binding. */
async function inWorker(client: string): Promise<unknown> {
  const { outputFiles } = await bundle(`
    import { Edgelog } from '../../client/index.ts'
    export default { async fetch(request, env) { ${client} ${PROGRAM} } }`)
  const worker = (name: string, contents: string, env: object) => ({
    config: {
      ...{
        name,
        compatibilityDate: '2026-10-23',
        env: { BROKER: { type: 'text' as const, value: broker.http }, ...env },
      },
      manifest: { mainModule: 'worker.js', modules: { 'worker.js': { type: 'esm' as const, contents } } },
    },
  })
  const passesOn = `export default {
    fetch: (request, { BROKER }) => fetch(request.url.replace('https://edgelog', BROKER), request)
  }`
  const workers = new Miniflare({
    ...{ port: 0, cf: false, telemetry: { enabled: false }, log: new Log(LogLevel.NONE) },
    workers: [
      worker('reader', outputFiles[0]!.text, { EDGELOG: { type: 'worker', worker: 'broker' } }),
      worker('broker', passesOn, {}),
    ],
  })
  try {
    const answer = await fetch(await workers.ready)
    return JSON.parse(await answer.text())
  } finally {
    await workers.dispose()
  }
}

it.each([
  { way: 'in a Worker', client: `const url = env.BROKER, fetch = globalThis.fetch` },
  {
    way: 'through a service binding',
    client: `const url = 'https://edgelog', fetch = (url, init) => env.EDGELOG.fetch(url, init)`,
  },
])('produces and consumes $way', async ({ client }) => {
  const edgelog = `; const edgelog = new Edgelog(url, { fetch, token: () => 'sesame' });`
  expect(await inWorker(client + edgelog)).toEqual({ refused: 'SASL_AUTHENTICATION_FAILED', values: [1, 2, 3, 4] })
})
