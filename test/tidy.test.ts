// The one rule of ARCHITECTURE.md that a machine holds: who may import whom, and what a pure room may not do.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'

/** Imports go down only; rooms of one rank do not know each other. */
const rank: Record<string, number> = {
  'machine.ts': 0,
  'near.ts': 2,
  protocol: 0,
  log: 1,
  coordinator: 1,
  cluster: 1,
  schema: 1,
  'log-line.ts': 2,
  objects: 3,
  worker: 4,
}
const isPure = (room: string): boolean => rank[room]! < rank['log-line.ts']!

/** What the worker may take from the objects besides types: their classes, to hand them to wrangler, and how to reach one. */
const mayTakeValues = (file: string, target: string): boolean =>
  file === 'worker/index.ts' || target === 'objects/place.ts'

/** Time, chance, waiting and the world outside are passed in. */
const impure =
  /\b(async|await|Promise|Date\.now|new Date\(\)|performance|Math\.random|randomUUID|getRandomValues|randomBytes|setTimeout|setInterval|setImmediate|queueMicrotask|console|process|globalThis|WebSocket|(?<![.#\w])fetch\()/g
/** Of the platform, a pure room has only what computes. */
const computes = new Set(['node:zlib', 'node:buffer', 'node:crypto'])

const room = (file: string): string => file.split('/')[0]!
const imports = /\b(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/g

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))

it.each(files)('src/%s', file => {
  const text = readFileSync(join('src', file), 'utf8')
  const code = withoutComments(text)
  expect(rank, 'rooms are named in test/tidy.test.ts').toHaveProperty([room(file)])

  for (const [statement, type, named, loaded] of code.matchAll(imports)) {
    const from = named ?? loaded!
    if (!from.startsWith('.')) {
      if (isPure(room(file))) expect(computes, statement).toContain(from)
      continue
    }
    const target = normalize(join(dirname(file), from))
    if (room(target) === room(file)) continue
    expect(rank[room(target)], `${file} imports ${target}`).toBeLessThan(rank[room(file)]!)
    if (room(file) === 'worker' && room(target) === 'objects' && !mayTakeValues(file, target))
      expect(type, `${file} imports ${target} as a value`).toBeDefined()
  }

  if (isPure(room(file))) expect(withoutText(code).match(impure), 'impure').toBeNull()
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
}

function withoutText(code: string): string {
  return code.replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
}
