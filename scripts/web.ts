// The admin page as files, for wrangler and the package: dist/assets, which `npm start` does without.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UI_HEADERS } from '../src/worker/ui.ts'
import { makePage } from '../testing/bundle.ts'

const assets = join(import.meta.dirname, '../dist/assets')

rmSync(assets, { recursive: true, force: true })
mkdirSync(join(assets, 'ui'), { recursive: true })
for (const [name, contents] of await makePage()) writeFileSync(join(assets, 'ui', name), contents)
const headers = Object.entries(UI_HEADERS).map(([name, value]) => `  ${name}: ${value}\n`)
writeFileSync(join(assets, '_headers'), `/ui/*\n${headers.join('')}`)
