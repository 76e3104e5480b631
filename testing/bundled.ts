// The Worker as the package has it: made by scripts/package.ts, beside this file in dist.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry } from './bundle.ts'

export const workerCode = (entry: Entry): Promise<string> =>
  readFile(join(import.meta.dirname, entry === 'worker' ? 'worker.js' : 'testing-worker.js'), 'utf8')
