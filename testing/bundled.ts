// The Worker and the admin page as the package has them: made by scripts/package.ts, beside this file in dist.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry } from './bundle.ts'

export const workerCode = (entry: Entry): Promise<Uint8Array> =>
  readFile(join(import.meta.dirname, entry === 'worker' ? 'worker.js' : 'testing-worker.js'))

export const pageFile = (name: string): Promise<Uint8Array | undefined> =>
  readFile(join(import.meta.dirname, 'assets/ui', name)).catch(() => undefined)
