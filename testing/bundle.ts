// The Worker as one module, and the admin page, made of their sources. The package has them made already: there bundled.ts
// stands here.

import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { built } from './built.ts'
import { readSettings } from './settings.ts'

const root = join(import.meta.dirname, '..')

/** `testing`: the same Worker on a clock that can be moved. */
export type Entry = 'worker' | 'testing'

/** All that the Worker is made of: our sources, and what npm installed. */
const MADE_OF = ['src', 'testing', 'tsconfig.json', 'wrangler.toml', 'node_modules/.package-lock.json']

/** Made once a process, however many brokers it starts. */
export function workerCode(entry: Entry): Promise<Uint8Array> {
  const code = made.get(entry) ?? built(root, entry, { of: MADE_OF, how: bundling(entry) }, () => bundle(entry))
  made.set(entry, code)
  return code
}

/** In one go, so that no process of esbuild's stays behind. */
async function bundle(entry: Entry): Promise<Uint8Array> {
  const { buildSync } = await import('esbuild')
  return buildSync({ ...bundling(entry), write: false }).outputFiles![0]!.contents
}

const made = new Map<Entry, Promise<Uint8Array>>()

let page: Promise<ReadonlyMap<string, Uint8Array>> | undefined

/** A file of the admin page. It is made when somebody first looks, and again whenever the page itself is asked for. */
export async function pageFile(name: string): Promise<Uint8Array | undefined> {
  if (name === 'index.html') page = makePage()
  page ??= makePage()
  return (await page).get(name)
}

/** The admin page: everything that is served under /ui. */
export async function makePage(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { build } = await import('esbuild')
  const [{ outputFiles }, html, icon] = await Promise.all([
    build({
      absWorkingDir: root,
      entryPoints: ['web/main.tsx'],
      outfile: 'app.js',
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
      write: false,
    }),
    readFile(join(root, 'web/index.html')),
    readFile(join(root, 'web/icon.svg')),
  ])
  return new Map([
    ['index.html', html],
    ['icon.svg', icon],
    ...outputFiles.map(({ path, contents }) => [basename(path), contents] as const),
  ])
}

/** How esbuild makes it, here and for the package. */
export function bundling(entry: Entry): BuildOptions {
  const { main, objects } = readSettings(join(root, 'wrangler.toml'))
  const input =
    entry === 'worker'
      ? { entryPoints: [main] }
      : { stdin: { contents: onClock(main, objects), resolveDir: root, loader: 'ts' as const } }
  return {
    ...input,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*', 'node:*', 'workerd:*'],
    logLevel: 'silent',
  }
}

/** Every object that wrangler.toml names, and the Worker, on the clock. */
const onClock = (main: string, objects: readonly { readonly className: string }[]): string =>
  `import { objectOnClock, workerOnClock } from './testing/on-clock.ts'
import worker, * as objects from './${main}'
export default workerOnClock(worker)
${objects.map(({ className }) => `export const ${className} = objectOnClock(objects.${className})`).join('\n')}
`
