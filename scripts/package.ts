// `npm pack` runs this first: dist, which the package is made of. Plain JavaScript and declarations, the Worker made
// already, so that whoever installs it needs neither TypeScript nor esbuild.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { bundling } from '../testing/bundle.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** What package.json exports: names in dist, and their sources. */
const entries = {
  client: 'client/index.ts',
  kafkajs: 'client/kafkajs.ts',
  testing: 'testing/index.ts',
  cli: 'cli/index.ts',
}

/** Names stay as they are, so that errors can be read. */
const smaller = { minifyWhitespace: true, minifySyntax: true }

rmSync(dist, { recursive: true, force: true })
await Promise.all([
  build({ ...bundling('worker'), ...smaller, outfile: join(dist, 'worker.js') }),
  build({ ...bundling('testing'), ...smaller, outfile: join(dist, 'testing-worker.js') }),
  build({
    ...smaller,
    // Node shows the line of what was thrown.
    lineLimit: 400,
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    packages: 'external',
    platform: 'neutral',
    external: ['node:*'],
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
    plugins: [
      {
        name: 'the Worker is made already',
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/bundle\.ts$/ }, () => ({ path: join(root, 'testing/bundled.ts') })),
      },
    ],
  }),
  Promise.resolve().then(declare),
])
await import('./web.ts')

/** The declarations that the entries need, of all that the compiler makes. */
function declare(): void {
  const made = mkdtempSync(join(tmpdir(), 'edgelog-types-'))
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', made]
  execFileSync('tsc', ['-p', root, ...options], { stdio: 'inherit' })
  const wanted = Object.values(entries).map(declarationOf)
  for (const file of wanted) {
    const text = readFileSync(join(made, file), 'utf8')
    for (const [, from] of text.matchAll(/from ["'](\.[^"']+)["']/g)) {
      const other = join(dirname(file), declarationOf(from!))
      if (!wanted.includes(other)) wanted.push(other)
    }
    const target = join(dist, 'types', file)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text.replace(/(from ["']\.[^"']+)\.ts(["'])/g, '$1.js$2'))
  }
  rmSync(made, { recursive: true })
}

function declarationOf(file: string): string {
  return file.replace(/\.ts$/, '.d.ts')
}
