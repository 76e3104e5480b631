// The Worker as one module, made of its sources in memory. The package has it made already: there bundled.ts stands here.

import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** `testing`: the same Worker on a clock that can be moved. */
export type Entry = 'worker' | 'testing'

export const entryPoints: Readonly<Record<Entry, string>> = {
  worker: 'src/worker/index.ts',
  testing: 'testing/worker.ts',
}

export async function workerCode(entry: Entry): Promise<string> {
  const { outputFiles } = await build({ ...bundling, entryPoints: [entryPoints[entry]], write: false })
  return outputFiles[0]!.text
}

/** How esbuild makes it, here and for the package. */
export const bundling = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2024',
  conditions: ['workerd', 'worker', 'browser'],
  mainFields: ['browser', 'module', 'main'],
  external: ['cloudflare:*', 'node:*'],
  logLevel: 'silent',
} as const satisfies Parameters<typeof build>[0]
